import {
  type Bytes,
  cancelToken,
  encodeMessage,
  limits,
  noVoucher,
  type Random,
  responseSecret,
  type SealedRequest,
  wrapContentKey,
} from '@cocoon/protocol'
import type { AppraisedNode } from './appraisal.ts'
import type { ReadingState } from './kept-answer.ts'

/** One attempt at a job, ready to be sent: the sealed request as it was, wrapped to one node. */
export interface Attempt {
  /** The messages that carry it, in order. */
  readonly messages: readonly Bytes[]
  /** Where reading its answer begins. */
  readonly state: ReadingState
}

/** Wraps the content key to a node. The body is not touched: a retry sends the same bytes under another wrap. */
export async function wrapRequest(
  { jobId, header, body }: SealedRequest,
  contentKey: Bytes,
  { verified, offer, view }: AppraisedNode,
  lease: string,
  random: Random,
): Promise<Attempt> {
  const { statement, digest } = verified
  const voucher = await noVoucher()
  const binding = { jobId, statement: digest, voucher }
  const { wrap, exporter } = await wrapContentKey(contentKey, statement.prekey, binding, random)
  const [secret, token] = await Promise.all([responseSecret(exporter), cancelToken(exporter)])
  const fields = { header, bodyLength: body.length, statement: digest, wrap, money: ['none'] as ['none'] }
  const messages = [encodeMessage({ kind: 'open', jobId, lease, ...fields, body: body.slice(0, limits.chunk) })]
  for (let at: number = limits.chunk; at < body.length; at += limits.chunk) {
    messages.push(encodeMessage({ kind: 'chunk', jobId, body: body.slice(at, at + limits.chunk) }))
  }
  return {
    messages,
    state: {
      version: 1,
      view,
      identity: statement.identity,
      statement: digest,
      voucher,
      price: statement.payee === null ? null : offer.price,
      cancelToken: token,
      response: { jobId, enc: wrap.enc, secret, nodeNonce: null, next: 0, received: 0, final: false },
      line: new Uint8Array(0),
      final: null,
    },
  }
}
