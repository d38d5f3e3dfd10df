import {
  type Bytes,
  CocoonError,
  concat,
  equal,
  type Exporter,
  type Header,
  isRefusalCode,
  jobIdOf,
  limits,
  type MessageOf,
  noVoucher,
  openRequest,
  readHeader,
  type RefusalCode,
  type WrapBinding,
} from '@cocoon/protocol'
import type { PrekeyRing } from './prekeys.ts'
import type { SeenJobs } from './seen-jobs.ts'

/** A job as it arrived: the first message, and the rest of its body. */
export interface ArrivedJob {
  readonly job: MessageOf<'job'>
  readonly chunks: readonly Bytes[]
}

export interface AdmissionRules {
  readonly network: number
  readonly prekeys: PrekeyRing
  readonly seen: SeenJobs
  /** True for a node whose whole stack is measured and attested. */
  readonly private: boolean
  serves(model: string): boolean
  /** Takes a slot, at once; otherwise says why there is none. */
  takeSlot(): 'taken' | 'busy' | 'draining'
  /** Gives back the slot of a job that did not open. */
  releaseSlot(): void
}

export type Admission =
  | { readonly kind: 'opened'; readonly header: Header; readonly content: Bytes; readonly exporter: Exporter }
  /** Opened before under this same wrap: send its frames again. */
  | { readonly kind: 'again' }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly binding: WrapBinding }

export async function bindingOf(job: MessageOf<'job'>): Promise<WrapBinding> {
  return { jobId: job.jobId, statement: job.statement, voucher: await noVoucher() }
}

/**
 * The node's order of checks (SPEC.md, Node order): sizes, statement, job id, unseen, money, price, slot. Only what
 * passes all of them costs a decapsulation. A job that opened has a slot, which the caller gives back when it ends.
 */
export async function admit({ job, chunks }: ArrivedJob, rules: AdmissionRules): Promise<Admission> {
  const binding = await bindingOf(job)
  try {
    const body = concat(job.body, ...chunks)
    if (body.length > limits.request || body.length !== job.bodyLength) {
      throw new CocoonError('too-large', 'the body has another size than announced')
    }
    const header = readHeader(job.header, rules.network)
    const published = rules.prekeys.find(job.statement)
    if (published === 'expired') throw new CocoonError('expired-statement', 'the prekey expired')
    if (!published) throw new CocoonError('unknown-statement', 'the prekey is not ours')
    if (body.length > published.statement.limits.request) throw new CocoonError('too-large', 'larger than our limit')
    if (!equal(await jobIdOf(job.header, body), job.jobId)) throw new CocoonError('wrong-job-id', 'not the digest')
    const seen = await rules.seen.check(job.jobId, job.wrap)
    if (seen === 'same') return { kind: 'again' }
    if (seen === 'other') throw new CocoonError('already-seen', 'opened before under another wrap')
    if (!rules.serves(header.model)) throw new CocoonError('unknown-model', 'not offered')
    if (header.policy === 'private' && !rules.private) throw new CocoonError('wrong-policy', 'this is an open node')
    const slot = rules.takeSlot()
    if (slot !== 'taken') throw new CocoonError(slot, 'no slot')
    try {
      const sealed = { header: job.header, body, wrap: job.wrap, commit: header.commit }
      const { content, exporter } = await openRequest(sealed, published.prekey, binding)
      await rules.seen.add(job.jobId, job.wrap)
      return { kind: 'opened', header, content, exporter }
    } catch (error) {
      rules.releaseSlot()
      throw error
    }
  } catch (error) {
    if (!(error instanceof CocoonError)) throw error
    // A header that is no header can be opened by nobody.
    return { kind: 'refused', code: isRefusalCode(error.code) ? error.code : 'cannot-open', binding }
  }
}
