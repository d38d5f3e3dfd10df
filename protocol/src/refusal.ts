import * as v from 'valibot'
import { type Bytes, equal } from './bytes.ts'
import { bytesOf, encodeCbor } from './cbor.ts'
import { isRefusalCode, type RefusalCode, refusalCodes } from './errors.ts'
import type { WrapBinding } from './request.ts'
import { type Signer, signFor, verifySignature } from './signing.ts'

/** A node's signed word that it did not open a job. The broker cannot make one up. */
export const Refusal = v.strictObject({
  jobId: bytesOf(32),
  code: v.picklist(Object.keys(refusalCodes) as RefusalCode[]),
  signature: bytesOf(64),
})
export type Refusal = v.InferOutput<typeof Refusal>

function refusalMessage(binding: WrapBinding, code: RefusalCode): Bytes {
  return encodeCbor(['cocoon/1 refusal', binding.jobId, binding.statement, binding.voucher, code])
}

export async function signRefusal(binding: WrapBinding, code: RefusalCode, signer: Signer): Promise<Refusal> {
  const signature = await signFor('cocoon/1 refusal', signer, refusalMessage(binding, code))
  return { jobId: binding.jobId, code, signature }
}

/** True when `identity` refused exactly this attempt. */
export async function verifyRefusal(refusal: Refusal, binding: WrapBinding, identity: Bytes): Promise<boolean> {
  if (!isRefusalCode(refusal.code) || !equal(refusal.jobId, binding.jobId)) return false
  return verifySignature('cocoon/1 refusal', identity, refusal.signature, refusalMessage(binding, refusal.code))
}
