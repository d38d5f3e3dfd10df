import type { ScenePlan } from './scene.ts'
import { revocationLists, signedJson, signerChains } from './switches/collateral.ts'
import { claims, revocation, statements, workload } from './switches/evidence.ts'
import { gpuDevices, gpuList, gpuReports } from './switches/gpu.ts'
import { pckChain } from './switches/pck.ts'
import { quoteForm, quotingEnclave } from './switches/quote.ts'
import { registrySwitches, stampSwitches } from './switches/registry.ts'
import { snpSwitches } from './switches/snp.ts'
import type { Switch } from './switches/switch.ts'
import { levels, trustDomain } from './switches/tcb.ts'

/** One switch for every rule of the appraisal, named after what it breaks. Tests flip them all; a localnet any. */
export const switches = {
  ...quoteForm,
  ...pckChain,
  ...signerChains,
  ...revocationLists,
  ...signedJson,
  ...quotingEnclave,
  ...levels,
  ...trustDomain,
  ...claims,
  ...workload,
  ...revocation,
  ...registrySwitches,
  ...stampSwitches,
  ...gpuList,
  ...gpuReports,
  ...gpuDevices,
  ...snpSwitches,
  ...statements,
} as const
export type SwitchName = keyof typeof switches

export const switchNames = Object.keys(switches) as SwitchName[]
export const isSwitch = (name: string): name is SwitchName => Object.hasOwn(switches, name)

/** Breaks the named rules of a scene, in this order. Give it a scene of the switch's base. */
export async function flipSwitches(scene: ScenePlan, names: readonly SwitchName[]): Promise<void> {
  for (const name of names) await (switches[name] as Switch).breaks(scene)
}

export { type Base, bases, type Switch } from './switches/switch.ts'
