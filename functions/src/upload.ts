import {
  type Bytes,
  CocoonError,
  concat,
  equal,
  jobIdOf,
  limits,
  type MessageOf,
  networks,
  readHeader,
} from '@cocoon/protocol'
import type { Settings } from './settings.ts'
import { type Lease, readLease } from './token.ts'

/** A job on its way to the node: the first message, and the chunks that follow it. */
export interface Upload {
  readonly job: MessageOf<'job'>
  readonly chunks: readonly Bytes[]
}

/**
 * The cheap checks of a first message: the lease is ours, of this user, for this node and for the model the header names.
 * @throws CocoonError `lease-expired`, `malformed`
 */
export async function checkOpen(
  open: MessageOf<'open'>,
  user: string,
  node: string | undefined,
  settings: Settings,
): Promise<Lease> {
  const lease = await readLease(settings.SESSION_SECRET, open.lease, Math.floor(Date.now() / 1000))
  if (lease.user !== user || lease.node !== node) {
    throw new CocoonError('lease-expired', 'the lease is for another user or node')
  }
  const header = readHeader(open.header, networks[settings.NETWORK])
  if (header.model !== lease.model) throw new CocoonError('malformed', 'the header names another model than the lease')
  return lease
}

/** Pieces a body may come in: twice as many as full ones make, so that nobody stores millions of empty ones. */
const MAX_CHUNKS = (2 * limits.request) / limits.chunk

/**
 * True when the whole body is here and its digest is the job id: nothing else is passed on to a node.
 * @throws CocoonError `malformed`
 */
export async function isComplete({ job, chunks }: Upload): Promise<boolean> {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, job.body.length)
  if (chunks.length > MAX_CHUNKS) throw new CocoonError('malformed', 'the body comes in too many pieces')
  if (length > job.bodyLength) throw new CocoonError('malformed', 'the body is longer than announced')
  if (length < job.bodyLength) return false
  const jobId = await jobIdOf(job.header, concat(job.body, ...chunks))
  if (!equal(jobId, job.jobId)) throw new CocoonError('malformed', 'the job id is not the digest of this request')
  return true
}
