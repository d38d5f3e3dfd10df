import type { Extension } from '../certificates.ts'
import type { SceneOptions, ScenePlan } from '../scene.ts'

/** What a switch starts from: a machine of the kind that it breaks. */
export const bases = {
  /** TDX, quote of version 4, one Hopper GPU. */
  tdx: {},
  /** Quote of version 5 with a report of TDX 1.0; PCK certificate by the other authority. */
  'tdx-v5': { quote: 'v5', pckIssuer: 'processor' },
  /** Quote of version 5 with a report of TDX 1.5. */
  'tdx-1.5': { quote: 'v5-tdx-1.5' },
  /** Two GPUs. */
  'two-gpus': { gpus: ['hopper', 'hopper'] },
  blackwell: { gpus: ['blackwell'] },
  'two-blackwells': { gpus: ['blackwell', 'blackwell'] },
  'no-gpu': { gpus: [] },
  snp: { tee: 'sev-snp' },
} as const satisfies Record<string, Omit<SceneOptions, 'now' | 'random'>>
export type Base = keyof typeof bases

/** Breaks one rule of the appraisal and no other. */
export interface Switch {
  /** The rule, in words. */
  readonly rule: string
  /** `tdx` where nothing is said. */
  readonly base?: Base
  readonly breaks: (scene: ScenePlan) => unknown
  /** The nearest thing that keeps the rule. Nothing: the base itself. */
  readonly keeps?: (scene: ScenePlan) => unknown
}
export type Switches = Readonly<Record<string, Switch>>

/** Flips the bits of `mask` in byte `index`. */
export function flip(bytes: Uint8Array, index = 0, mask = 1): void {
  bytes[index] = (bytes[index] ?? 0) ^ mask
}

/** An extension that no profile knows. */
export const unknownExtension = (critical: boolean): Extension => ({
  id: '1.3.6.1.4.1.99999.1',
  critical,
  value: Uint8Array.of(5, 0),
})
