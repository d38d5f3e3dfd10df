import {
  type AnswerChunk,
  type Bytes,
  cancelToken,
  ChunkDecoder,
  decodeFrame,
  type Final,
  limits,
  type MessageOf,
  networks,
  noVoucher,
  type Policy,
  ResponseOpener,
  responseSecret,
  sealRequest,
  type SealedRequest,
  type SignedStatement,
  statementDigest,
  utf8,
  verifyStatement,
  wrapContentKey,
} from '@cocoon/protocol'
import { MODEL } from './terms.ts'

export interface Question {
  readonly content?: Bytes
  readonly model?: string
  readonly policy?: Policy
  readonly network?: number
}

/** A job as a client makes it, and what it keeps to read the answer and to cancel. */
export interface SealedJob {
  readonly sealed: SealedRequest
  readonly contentKey: Bytes
  readonly job: MessageOf<'job'>
  readonly chunks: readonly MessageOf<'chunk'>[]
  readonly enc: Bytes
  readonly secret: Bytes
  readonly cancel: MessageOf<'cancel'>
}

export function chatBody(text: string, more: object = {}): Bytes {
  return utf8(JSON.stringify({ model: MODEL, messages: [{ role: 'user', content: text }], stream: true, ...more }))
}

export async function sealJob(statement: SignedStatement, question: Question = {}): Promise<SealedJob> {
  const { content = chatBody('hello'), model = MODEL, policy = 'open', network = networks.localnet } = question
  const { sealed, contentKey } = await sealRequest({ network, model, policy, content })
  return wrapJob(statement, sealed, contentKey)
}

/** The same sealed request under a new wrap. */
export async function wrapJob(
  signed: SignedStatement,
  sealed: SealedRequest,
  contentKey: Bytes,
  network: number = networks.localnet,
): Promise<SealedJob> {
  const { statement } = await verifyStatement(signed, network)
  const digest = await statementDigest(signed.body)
  const binding = { jobId: sealed.jobId, statement: digest, voucher: await noVoucher() }
  const { wrap, exporter } = await wrapContentKey(contentKey, statement.prekey, binding)
  const { jobId, header, body } = sealed
  const pieces: Bytes[] = []
  for (let at = 0; at < body.length; at += limits.chunk) pieces.push(body.slice(at, at + limits.chunk))
  const [first = body, ...rest] = pieces
  return {
    sealed,
    contentKey,
    job: {
      kind: 'job',
      jobId,
      header,
      bodyLength: body.length,
      body: first,
      statement: digest,
      wrap,
      money: ['none'],
    },
    chunks: rest.map((piece) => ({ kind: 'chunk', jobId, body: piece })),
    enc: wrap.enc,
    secret: await responseSecret(exporter),
    cancel: { kind: 'cancel', jobId, token: await cancelToken(exporter) },
  }
}

export interface OpenedAnswer {
  readonly chunks: readonly AnswerChunk[]
  readonly text: string
  readonly reasoning: string
  readonly final: Final
}

/** Opens a whole answer as the client does, from frames in order. */
export async function openAnswer(job: SealedJob, frames: readonly Bytes[]): Promise<OpenedAnswer> {
  const opener = ResponseOpener.start(job.sealed.jobId, job.enc, job.secret)
  const decoder = new ChunkDecoder()
  const chunks: AnswerChunk[] = []
  let final: Final | undefined
  for (const bytes of frames) {
    const opened = await opener.open(decodeFrame(bytes))
    if (opened.kind === 'content') chunks.push(...decoder.push(opened.content))
    if (opened.kind === 'final') final = opened.final
  }
  if (!final) throw new Error('no final frame')
  if (final.status !== 'failed' && !decoder.empty) throw new Error('the answer ends within a chunk')
  const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta))
  return {
    chunks,
    text: deltas.map(({ content }) => content ?? '').join(''),
    reasoning: deltas.map(({ reasoning }) => reasoning ?? '').join(''),
    final,
  }
}
