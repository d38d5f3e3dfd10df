import type { Model, Trial } from './asking.ts'
import type { Turn } from './turn.ts'

/** Where the chat lives: not known yet; on this device, encrypted; in this window alone. */
export type Memory = 'opening' | 'kept' | 'window'

export interface ChatState {
  /** The conversation on the screen; null where it is not kept. */
  readonly conversation: string | null
  /** The branch on the screen, and every turn of the conversation. */
  readonly turns: readonly Turn[]
  readonly all: readonly Turn[]
  readonly draft: string
  /** A question, taken back into the composer; sending asks it anew beside the first one. */
  readonly editing: number | null
  readonly models: readonly Model[] | null
  readonly model: string | null
  readonly trial: Trial | null
  readonly development: boolean
  readonly online: boolean
  /** The broker did not answer when the app asked what there is. */
  readonly unreachable: boolean
  readonly memory: Memory
  /** Whether the history's key lies in the phone's keychain. */
  readonly guarded: boolean
  /** Conversations in which an answer is under way. */
  readonly busy: ReadonlySet<string>
}

/** The model that was chosen, if it is there still; else one with a free place. */
export function preferred(models: readonly Model[], chosen: string | null): string | null {
  const served = (models.find((model) => model.id === chosen) ?? models.find((model) => model.free > 0)) || models[0]
  return served?.id ?? null
}
