import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { Bytes } from '@cocoon/protocol'
import { type KernelFiles, kernelFiles } from '../../src/attesters/kernel-files.ts'

export interface FakeKernel {
  readonly provider: string
  /** The quote over these 64 bytes. */
  readonly quote: (reportData: Bytes) => Promise<Bytes> | Bytes
  readonly auxblob?: Bytes
  readonly privlevelFloor?: string
}

/**
 * A directory that answers as the kernel's does: an entry has its attributes as soon as it is made, a write to `inblob` is
 * counted and makes `outblob`, and `rmdir` takes the attributes along. Everything is in real files of a real directory,
 * read and written by the code that reads the kernel's.
 */
export class FakeTsm implements KernelFiles {
  readonly directory: string
  readonly #kernel: FakeKernel
  readonly #faults: { readonly at: string; readonly code: string }[] = []
  /** Every operation, in order: `makeEntry`, `write inblob`, `read outblob` … */
  readonly done: string[] = []
  /** Report data of each write. */
  readonly written: Bytes[] = []

  private constructor(directory: string, kernel: FakeKernel) {
    this.directory = directory
    this.#kernel = kernel
  }

  static async create(kernel: FakeKernel): Promise<FakeTsm> {
    return new FakeTsm(await mkdtemp(join(tmpdir(), 'cocoon-tsm-')), kernel)
  }

  /** The next operation of this name fails so; `lost` lets a write vanish, `twice` counts it double. */
  fault(at: string, code: string): void {
    this.#faults.push({ at, code })
  }

  entries(): Promise<string[]> {
    return readdir(this.directory)
  }

  async makeEntry(path: string): Promise<void> {
    this.#meet('makeEntry')
    await kernelFiles.makeEntry(path)
    const { provider, privlevelFloor, auxblob } = this.#kernel
    const attributes = { provider: `${provider}\n`, generation: '0\n', inblob: '', outblob: '' }
    for (const [name, text] of Object.entries(attributes)) await writeFile(join(path, name), text)
    if (privlevelFloor) await writeFile(join(path, 'privlevel_floor'), `${privlevelFloor}\n`)
    if (auxblob) await writeFile(join(path, 'auxblob'), auxblob)
  }

  async removeEntry(path: string): Promise<void> {
    this.#meet('removeEntry')
    await rm(path, { recursive: true })
  }

  async write(path: string, bytes: Bytes): Promise<void> {
    const fate = this.#meet(`write ${basename(path)}`)
    if (fate === 'lost') return
    await kernelFiles.write(path, bytes)
    this.written.push(bytes)
    const entry = dirname(path)
    const count = Number(Buffer.from(await kernelFiles.read(join(entry, 'generation'), 64)).toString('utf8'))
    await writeFile(join(entry, 'outblob'), await this.#kernel.quote(bytes))
    await writeFile(join(entry, 'generation'), `${count + (fate === 'twice' ? 2 : 1)}\n`)
  }

  read(path: string, limit: number): Promise<Bytes> {
    this.#meet(`read ${basename(path)}`)
    return kernelFiles.read(path, limit)
  }

  #meet(operation: string): string | undefined {
    this.done.push(operation)
    const index = this.#faults.findIndex(({ at }) => at === operation)
    const [fault] = index < 0 ? [] : this.#faults.splice(index, 1)
    if (fault && /^E[A-Z]+$/.test(fault.code)) throw Object.assign(new Error(fault.code), { code: fault.code })
    return fault?.code
  }

  async close(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true })
  }
}
