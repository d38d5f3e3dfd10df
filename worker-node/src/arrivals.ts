import { type Bytes, CocoonError, hex, type MessageOf } from '@cocoon/protocol'
import type { ArrivedJob } from './admission.ts'

/** Bodies that come in several pieces and are not whole yet. There is room for a few: each may fill megabytes. */
export class Arrivals {
  readonly #room: number
  readonly #arriving = new Map<string, { job: MessageOf<'job'>; chunks: Bytes[]; missing: number }>()

  constructor(room: number) {
    this.#room = room
  }

  has(id: string): boolean {
    return this.#arriving.has(id)
  }

  /** The job if it is whole already. `full`: there is no room to wait for the rest. */
  begin(job: MessageOf<'job'>): ArrivedJob | 'arriving' | 'full' {
    const id = hex(job.jobId)
    const missing = job.bodyLength - job.body.length
    if (missing <= 0) return { job, chunks: [] }
    if (this.#arriving.size >= this.#room && !this.has(id)) return 'full'
    this.#arriving.set(id, { job, chunks: [], missing })
    return 'arriving'
  }

  /**
   * The job once this piece makes it whole.
   * @throws CocoonError `broken-encoding` for an empty piece: any number of them would fit into any body
   */
  add({ jobId, body }: MessageOf<'chunk'>): ArrivedJob | undefined {
    const id = hex(jobId)
    const arriving = this.#arriving.get(id)
    if (!arriving) return undefined
    if (body.length === 0) throw new CocoonError('broken-encoding', 'an empty piece of a body')
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
