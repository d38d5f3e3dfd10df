import type { Bytes } from '@cocoon/protocol'
import { hex, networks, type Signer, signStatement, verifyStatement } from '@cocoon/protocol'
import type { Collateral, Workload } from '@cocoon/protocol/appraisal'
import { developmentWorkload, planScene, publish, type SwitchName } from '../../../localnet/src/tee/index.ts'
import { type CommandMachine, printGpus, simulateQuote } from '../../../localnet/src/tee/quote-command.ts'
import { appraiseUnder } from '../../../protocol/src/appraisal/appraise.ts'
import { pins } from '../../../protocol/src/appraisal/pins/development.ts'
import type { Attester } from '../../src/attesters/attester.ts'
import type { MadeEvidence } from '../../src/attesters/evidence-maker.ts'
import type { GpuAttester } from '../../src/attesters/gpu.ts'
import { readNvidiaOutput } from '../../src/attesters/nvidia-command.ts'
import { acceptQuote } from '../../src/attesters/quote-form.ts'
import { HandClock } from '../hand-clock.ts'

/** Unix seconds of a HandClock that was not moved. */
export const NOW = new HandClock().now() / 1000

/** The same bytes for the same call, different ones for the next. */
export function counted(): (length: number) => Bytes {
  let drawn = 0
  return (length) => {
    drawn += 1
    return Uint8Array.from({ length }, (_, i) => (i * 7 + drawn * 31) & 0xff)
  }
}

export async function simulated(options: Partial<CommandMachine> = {}): Promise<CommandMachine> {
  return {
    tee: 'tdx',
    gpus: ['hopper'],
    serial: 'test',
    workload: await developmentWorkload(),
    broken: [],
    now: NOW,
    random: counted(),
    ...options,
  }
}

/** Quotes of the simulated machine, without a process between. */
export function attesterOf(machine: CommandMachine): Attester {
  return {
    kind: machine.tee,
    async quote(reportData) {
      const { quote, collateral } = await simulateQuote(machine, reportData)
      return { bytes: acceptQuote(machine.tee, quote, reportData), collateral }
    },
  }
}

/** Its GPUs, taken at their word: a node that does not look at the nonces they answered to. */
export function gullible(machine: CommandMachine): GpuAttester {
  return {
    async evidence(nonceOf) {
      const gpus = machine.gpus.map(async (_, index) => {
        return readNvidiaOutput(await printGpus(machine, await nonceOf(index))).slice(index, index + 1)
      })
      return (await Promise.all(gpus)).flat()
    },
  }
}

export interface Judging {
  readonly signer: Signer
  readonly workload: Workload
  /** Unix seconds. */
  readonly now?: number
  /** Of the statement. */
  readonly dates?: { readonly notBefore: number; readonly useBy: number }
  readonly collateral?: Collateral | null
}

/** What a device makes of this evidence, under the development roots and a registry that lists the workload. */
export async function verdict(made: MadeEvidence, judging: Judging): Promise<string> {
  const { signer, workload, now = NOW, dates = { notBefore: now, useBy: now + 600 } } = judging
  const collateral = judging.collateral ?? made.collateral
  if (!collateral) throw new Error('no collateral to judge with')
  const scene = await planScene({ now, random: counted(), workload, identity: signer.publicKey })
  const statement = { ...scene.statement, ...dates, identity: signer.publicKey, evidence: made.digest }
  const signed = await verifyStatement(await signStatement(statement, signer), networks.localnet)
  const appraisal = await appraiseUnder(pins, {
    network: networks.localnet,
    now,
    seen: null,
    ...(await publish(scene.registry)),
    evidence: made.bytes,
    collateral,
    statement: signed,
  })
  return appraisal.verdict === 'private' ? 'private' : appraisal.code
}

export const broken = (...names: SwitchName[]): Pick<CommandMachine, 'broken'> => ({ broken: names })

/** A promise's failure by its code; what it holds where it did not fail. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    const value = await promise
    return `none: ${value instanceof Uint8Array ? hex(value) : typeof value}`
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  }
}
