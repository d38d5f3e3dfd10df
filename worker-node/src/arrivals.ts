import { type Bytes, CocoonError, hex, limits, type MessageOf } from '@cocoon/protocol'
import type { ArrivedJob } from './admission.ts'

/** Pieces a body may come in beside the first: a broker passes on twice as many as full ones make, and no more. */
const PIECES = (2 * limits.request) / limits.chunk

/** Bodies that come in several pieces and are not whole yet. There is room for a few: each may fill megabytes. */
export class Arrivals {
  readonly #room: number
  readonly #roomBytes: number
  readonly #arriving = new Map<string, { job: MessageOf<'job'>; chunks: Bytes[]; missing: number }>()

  /** Bodies, and the bytes announced for all of them. */
  constructor(room: number, roomBytes: number) {
    this.#room = room
    this.#roomBytes = roomBytes
  }

  has(id: string): boolean {
    return this.#arriving.has(id)
  }

  /** The job if it is whole already. `full`: there is no room to wait for the rest. */
  begin(job: MessageOf<'job'>): ArrivedJob | 'arriving' | 'full' {
    const id = hex(job.jobId)
    const missing = job.bodyLength - job.body.length
    if (missing <= 0) return { job, chunks: [] }
    const others = [...this.#arriving].filter(([other]) => other !== id)
    const bytes = others.reduce((sum, [, other]) => sum + other.job.bodyLength, job.bodyLength)
    if (others.length >= this.#room || bytes > this.#roomBytes) return 'full'
    this.#arriving.set(id, { job, chunks: [], missing })
    return 'arriving'
  }

  /**
   * The job once this piece makes it whole.
   * @throws CocoonError `broken-encoding` for an empty piece or too many: any number of them would fit into a body
   */
  add({ jobId, body }: MessageOf<'chunk'>): ArrivedJob | undefined {
    const id = hex(jobId)
    const arriving = this.#arriving.get(id)
    if (!arriving) return undefined
    if (body.length === 0) throw new CocoonError('broken-encoding', 'an empty piece of a body')
    if (arriving.chunks.length >= PIECES) throw new CocoonError('broken-encoding', 'a body in too many pieces')
    arriving.chunks.push(body)
    arriving.missing -= body.length
    if (arriving.missing > 0) return undefined
    this.#arriving.delete(id)
    return arriving
  }

  forget(id: string): void {
    this.#arriving.delete(id)
  }

  /** The link broke: what was on its way is lost. */
  clear(): void {
    this.#arriving.clear()
  }
}
