import * as v from 'valibot'
import { type Bytes, concat } from '../bytes.ts'
import { bytesOf, encodeCbor } from '../cbor.ts'
import { modelId } from '../statement.ts'

/** Bytes of a SHA-384 digest, which is what Intel and AMD measure with. */
export const MEASUREMENT_BYTES = 48

/** The program that runs the model: its image by digest, and the arguments it is started with. */
export const Engine = v.strictObject({
  /** SHA-256 of the image, as the image's own verified boot checks it. */
  image: bytesOf(32),
  arguments: v.pipe(v.array(v.pipe(v.string(), v.maxLength(1024))), v.maxLength(64)),
})
export type Engine = v.InferOutput<typeof Engine>

/** Weights by the root of their dm-verity tree, under the name that offers use. */
export const Model = v.strictObject({ model: modelId, root: bytesOf(32) })
export type Model = v.InferOutput<typeof Model>

/** What a private node runs besides its measured image (SPEC.md, Workload). */
export const Workload = v.pipe(
  v.strictObject({
    engine: Engine,
    models: v.pipe(v.array(Model), v.minLength(1), v.maxLength(32)),
    /** SHA-256 of the rules the image keeps: what is forwarded, bounded and never written. */
    policy: bytesOf(32),
  }),
  v.check(
    (workload) => new Set(workload.models.map(({ model }) => model)).size === workload.models.length,
    'one a model',
  ),
)
export type Workload = v.InferOutput<typeof Workload>

/** SHA-384 of the encoded workload: the one value that the image's init extends RTMR3 with. 48 bytes. */
export function workloadDigest(workload: Workload): Promise<Bytes> {
  return sha384(encodeCbor(workload))
}

/**
 * RTMR3 of a trust domain that extended it once, with this workload, and never again: SHA-384(0^48 | digest).
 * Source: Intel TDX module specification, TDG.MR.RTMR.EXTEND.
 */
export async function workloadRegister(workload: Workload): Promise<Bytes> {
  return sha384(new Uint8Array(MEASUREMENT_BYTES), await workloadDigest(workload))
}

async function sha384(...parts: readonly Uint8Array[]): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-384', concat(...parts)))
}
