import { access } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Bytes, fromUtf8, hex, type Random, secureRandom } from '@cocoon/protocol'
import type { Collateral, TeeKind } from '@cocoon/protocol/appraisal'
import { AttestationError, type Attester, type Quote, REPORT_DATA_BYTES, systemCode } from './attester.ts'
import { type KernelFiles, kernelFiles } from './kernel-files.ts'
import { acceptQuote } from './quote-form.ts'
import { TSM_DIRECTORY } from './settings.ts'
import { readCertificateTable } from './snp-certificates.ts'

/** Quotes have some 5 KB, tables of certificates up to 20; hosts hand out buffers of any size around them. */
const MAX_BLOB_BYTES = 256 * 1024
const MAX_TEXT_BYTES = 4096
/** Waits between attempts, milliseconds: a host's quoting service takes its time, and takes one at a time. */
const PAUSES = [50, 100, 200, 400, 800, 1600]
/** What passes: somebody else is being served, a signal came, the host was slow, a name was taken. */
const passing = new Set(['EBUSY', 'EINTR', 'EAGAIN', 'ETIMEDOUT', 'EEXIST'])
const providers: Readonly<Record<string, TeeKind>> = { tdx_guest: 'tdx', sev_guest: 'sev-snp' }

export interface ConfigfsTsmOptions {
  readonly directory?: string
  readonly files?: KernelFiles
  readonly random?: Random
  readonly pause?: (milliseconds: number) => Promise<unknown>
  /** Told of an entry that could not be removed: it holds a little of the kernel's memory, and nothing else. */
  readonly left?: (entry: string) => void
}

/** Something that another attempt may mend. */
class Passing extends Error {}

/**
 * TDX and SEV-SNP through the kernel's own interface (Documentation/ABI/testing/configfs-tsm-report). Every quote has an
 * entry of its own, so that any number of users share the directory; it is removed whatever happens.
 */
export class ConfigfsTsm implements Attester {
  readonly kind: TeeKind
  readonly #options: Required<ConfigfsTsmOptions>

  private constructor(options: Required<ConfigfsTsmOptions>, kind: TeeKind) {
    this.#options = options
    this.kind = kind
  }

  /**
   * Finds out whose hardware this is.
   *
   * @throws AttestationError `tee-absent`, with what to do
   */
  static async open(options: ConfigfsTsmOptions = {}): Promise<ConfigfsTsm> {
    const all = {
      directory: TSM_DIRECTORY,
      files: kernelFiles,
      random: secureRandom,
      pause: delay,
      left: () => {},
      ...options,
    }
    const provider = await patiently(all, (entry) => readText(all, entry, 'provider'))
    const kind = providers[provider]
    if (!kind) {
      throw new AttestationError(
        'tee-absent',
        `this machine attests as ${JSON.stringify(provider.slice(0, 32))}; private nodes run on tdx_guest or sev_guest`,
      )
    }
    return new ConfigfsTsm(all, kind)
  }

  async quote(reportData: Bytes): Promise<Quote> {
    if (reportData.length !== REPORT_DATA_BYTES) throw new RangeError('report data has 64 bytes')
    return patiently(this.#options, (entry) => this.#ask(entry, reportData))
  }

  async #ask(entry: string, reportData: Bytes): Promise<Quote> {
    const { files } = this.#options
    const before = await readGeneration(this.#options, entry)
    await files.write(join(entry, 'inblob'), reportData)
    const blob = await files.read(join(entry, 'outblob'), MAX_BLOB_BYTES)
    const table = this.kind === 'sev-snp' ? await this.#certificates(entry) : new Uint8Array()
    // The kernel takes a binary attribute when its file is closed, where no error reaches us: only the count of writes
    // says that ours arrived, and that nobody wrote in between.
    const writes = (await readGeneration(this.#options, entry)) - before
    if (writes !== 1n) throw new Passing(`${writes} writes to an entry that had one`)
    return { bytes: acceptQuote(this.kind, blob, reportData), collateral: collateralOf(table) }
  }

  async #certificates(entry: string): Promise<Bytes> {
    const floor = await optional(readText(this.#options, entry, 'privlevel_floor'))
    if (floor !== null && floor !== '0') {
      const why = `reports of this machine start at privilege level ${floor}: something else holds level 0`
      throw new AttestationError('tee-failed', `${why}. A private node's image runs at level 0 itself`)
    }
    return (await optional(this.#options.files.read(join(entry, 'auxblob'), MAX_BLOB_BYTES))) ?? new Uint8Array()
  }
}

function collateralOf(table: Bytes): Collateral | null {
  const snp = readCertificateTable(table)
  return snp && { tee: 'sev-snp', snp }
}

type Options = Required<ConfigfsTsmOptions>

/** Runs `ask` over a fresh entry, again where what stood in the way passes. */
async function patiently<T>(options: Options, ask: (entry: string) => Promise<T>): Promise<T> {
  let last: unknown
  for (const pause of [...PAUSES, undefined]) {
    try {
      return await withEntry(options, ask)
    } catch (error) {
      if (!(error instanceof Passing) && !passing.has(systemCode(error))) throw await explain(options, error)
      last = error
    }
    if (pause !== undefined) await options.pause(pause)
  }
  const why = systemCode(last) || (last instanceof Error ? last.message : 'busy')
  throw new AttestationError(
    'tee-busy',
    `no quote after ${PAUSES.length + 1} attempts (${why}): look at the host's quoting service, then start again`,
    { cause: last },
  )
}

async function withEntry<T>(options: Options, ask: (entry: string) => Promise<T>): Promise<T> {
  const entry = join(options.directory, `cocoon-${hex(options.random(8))}`)
  await options.files.makeEntry(entry)
  try {
    return await ask(entry)
  } finally {
    await options.files.removeEntry(entry).catch(() => options.left(entry))
  }
}

async function readText({ files }: Options, entry: string, attribute: string): Promise<string> {
  return fromUtf8(await files.read(join(entry, attribute), MAX_TEXT_BYTES)).trim()
}

async function readGeneration(options: Options, entry: string): Promise<bigint> {
  const text = await readText(options, entry, 'generation')
  if (!/^\d{1,20}$/.test(text)) throw new AttestationError('tee-failed', 'the kernel counts no writes to its reports')
  return BigInt(text)
}

/** Null for an attribute that this kernel or this hardware does not have. */
async function optional<T>(value: Promise<T>): Promise<T | null> {
  try {
    return await value
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  }
}

async function explain({ directory }: Options, error: unknown): Promise<unknown> {
  if (error instanceof AttestationError) return error
  const absent = (what: string) => new AttestationError('tee-absent', what, { cause: error })
  switch (systemCode(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return (await exists(directory)) ? failed(error) : absent(await whyAbsent(directory))
    case 'ENXIO':
    case 'ENODEV':
      return absent(
        'no driver of a trusted execution environment is loaded: in a confidential VM, modprobe tdx_guest or sev-guest. ' +
          'A plain VM has none; run an open node there (--attester none)',
      )
    case 'EACCES':
    case 'EPERM':
      return new AttestationError(
        'tee-failed',
        `${directory} is not ours to write in: run the node as root, or as a user the image gives that directory to`,
        { cause: error },
      )
    default:
      return failed(error)
  }
}

function failed(error: unknown): AttestationError {
  const why = systemCode(error) || (error instanceof Error ? error.message : 'an unknown fault')
  const what = `the kernel gave no quote (${why}): look at its log (dmesg) and at the host's quoting service`
  return new AttestationError('tee-failed', what, { cause: error })
}

async function whyAbsent(directory: string): Promise<string> {
  const root = dirname(dirname(directory))
  const start = `there is no ${directory}: `
  if (!(await exists(root))) return `${start}this kernel has no configfs, or /sys is not mounted`
  return (
    `${start}this is no confidential VM, or its kernel is older than 6.7, or configfs is not mounted there ` +
    `(mount -t configfs none ${root}), or no driver is loaded (modprobe tdx_guest, or sev-guest). ` +
    'On any other machine, run an open node (--attester none)'
  )
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
