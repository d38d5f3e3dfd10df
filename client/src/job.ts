import {
  type Bytes,
  cancelToken,
  CocoonError,
  encodeMessage,
  limits,
  type MatchResponse,
  noVoucher,
  responseSecret,
  type SealedRequest,
  type WrapBinding,
  wrapContentKey,
} from '@cocoon/protocol'
import type { AppraisedNode } from './appraisal.ts'
import type { Environment } from './environment.ts'

/** One attempt at a job, ready to be sent: the sealed request as it was, wrapped to one node. */
export interface Attempt {
  readonly jobId: Bytes
  readonly node: AppraisedNode
  readonly binding: WrapBinding
  /** The messages that carry it, in order. */
  readonly messages: readonly Bytes[]
  /** Message that cancels it. */
  readonly cancel: Bytes
  /** What opens the answer. */
  readonly enc: Bytes
  readonly secret: Bytes
}

/** Wraps the content key to a node. The body is not touched: a retry sends the same bytes under another wrap. */
export async function prepareAttempt(
  sealed: SealedRequest,
  contentKey: Bytes,
  node: AppraisedNode,
  match: MatchResponse,
  environment: Environment,
): Promise<Attempt> {
  const { jobId, header } = sealed
  const { statement, digest } = node.verified
  const binding = { jobId, statement: digest, voucher: await noVoucher() }
  const { wrap, exporter } = await wrapContentKey(contentKey, statement.prekey, binding, environment.random)
  const pieces: Bytes[] = []
  for (let at = 0; at < sealed.body.length; at += limits.chunk) pieces.push(sealed.body.slice(at, at + limits.chunk))
  const messages = pieces.map((body, index) => {
    if (index > 0) return encodeMessage({ kind: 'chunk', jobId, body })
    const bodyLength = sealed.body.length
    const { lease } = match
    return encodeMessage({
      kind: 'open',
      jobId,
      lease,
      header,
      bodyLength,
      body,
      statement: digest,
      wrap,
      money: ['none'],
    })
  })
  const token = await cancelToken(exporter)
  return {
    jobId,
    node,
    binding,
    messages,
    cancel: encodeMessage({ kind: 'cancel', jobId, token }),
    enc: wrap.enc,
    secret: await responseSecret(exporter),
  }
}

/** An attempt that ended without an answer. */
export class AttemptFailed extends CocoonError {
  /** True when an authentic frame had been opened: then only the person retries. */
  readonly begun: boolean

  constructor(error: CocoonError, begun: boolean) {
    super(error.code, error.message, { cause: error, retryAfterMs: error.retryAfterMs })
    this.begun = begun
  }
}
