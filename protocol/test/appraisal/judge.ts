import { type Base, bases, planScene, type ScenePlan, stage } from '../../../localnet/src/tee/index.ts'
import { type Appraisal, type AppraisalInput, appraiseUnder } from '../../src/appraisal/appraise.ts'
import { pins } from '../../src/appraisal/pins/development.ts'
import { CocoonError, verifyStatement } from '../../src/index.ts'
import type { Bytes } from '../../src/index.ts'

export const NOW = Date.UTC(2026, 10, 22) / 1000

/** A Lehmer generator: bytes that differ, and are the same in every run. */
export function seededBytes(seed = 1): (length: number) => Bytes {
  let state = seed
  return (length) =>
    Uint8Array.from({ length }, () => {
      state = (state * 48_271) % 2_147_483_647
      return state & 0xff
    })
}

type Change = (scene: ScenePlan) => unknown

/** A scene of this base, changed before it is signed. */
export async function sceneOf(base: Base, ...changes: readonly Change[]): Promise<ScenePlan> {
  const scene = await planScene({ now: NOW, random: seededBytes(), ...bases[base] })
  for (const change of changes) await change(scene)
  return scene
}

/**
 * What a client hands to the appraisal. The statement is verified for the network that it names, so that the appraisal's
 * own comparison is seen.
 * @throws CocoonError when the statement is no node's
 */
export async function inputOf(plan: ScenePlan): Promise<AppraisalInput> {
  const { now, network, evidence, registry, statement, seen } = await stage(plan)
  return {
    now,
    network,
    ...registry,
    seen,
    evidence: evidence.bytes,
    collateral: evidence.collateral,
    statement: await verifyStatement(statement, plan.statement.network),
  }
}

export const judge = (input: AppraisalInput): Promise<Appraisal> => appraiseUnder(pins, input)

/** `private`, or the code of what a client finds wrong. */
export async function verdictOf(base: Base, ...changes: readonly Change[]): Promise<string> {
  const scene = await sceneOf(base, ...changes)
  try {
    const { verdict, code } = await judge(await inputOf(scene))
    return code ?? verdict
  } catch (error) {
    if (error instanceof CocoonError) return error.code
    throw error
  }
}
