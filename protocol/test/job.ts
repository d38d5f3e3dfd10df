import {
  decodeFrame,
  encodeFrame,
  type Frame,
  type Header,
  openRequest,
  type Prekey,
  readHeader,
  ResponseOpener,
  ResponseSealer,
  type SealedRequest,
  secureRandom,
  type Wrap,
  type WrapBinding,
} from '../src/index.ts'
import { type Job, network } from '../vectors/material.ts'

/** What reaches a node, piece by piece, so that a test can put one piece from elsewhere. */
export interface Arrival {
  readonly header: SealedRequest['header']
  readonly body: SealedRequest['body']
  readonly wrap: Wrap
  readonly binding: WrapBinding
}

export function arrivalOf({ sealed, wrap, binding }: Job): Arrival {
  return { header: sealed.header, body: sealed.body, wrap, binding }
}

/** The node's steps from the header on, in the order of SPEC.md. */
export async function openAt(prekey: Prekey, arrival: Arrival): Promise<{ header: Header; content: Uint8Array }> {
  const header = readHeader(arrival.header, network)
  const { content } = await openRequest({ ...arrival, commit: header.commit }, prekey, arrival.binding)
  return { header, content }
}

export function sealerOf(job: Job, random = secureRandom): ResponseSealer {
  return ResponseSealer.create(job.sealed.jobId, job.wrap.enc, job.secret, random)
}

export function openerOf(job: Job): ResponseOpener {
  return ResponseOpener.start(job.sealed.jobId, job.wrap.enc, job.secret)
}

/** Over the wire and back. */
export function sent(frame: Frame): Frame {
  return decodeFrame(encodeFrame(frame))
}
