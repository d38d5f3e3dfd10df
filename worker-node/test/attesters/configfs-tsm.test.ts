import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bytes, concat } from '@cocoon/protocol'
import { afterEach, describe, expect, test } from 'vitest'
import { readQuote, trimQuote } from '../../../protocol/src/appraisal/tdx/quote.ts'
import { AttestationError } from '../../src/attesters/attester.ts'
import { ConfigfsTsm } from '../../src/attesters/configfs-tsm.ts'
import { kernelFiles } from '../../src/attesters/kernel-files.ts'
import { simulateQuote } from '../../../localnet/src/tee/quote-command.ts'
import { type FakeKernel, FakeTsm } from './fake-tsm.ts'
import { codeOf, simulated } from './machine.ts'

const fakes: FakeTsm[] = []
afterEach(async () => {
  for (const fake of fakes.splice(0)) await fake.close()
})

const data = (fill: number): Bytes => new Uint8Array(64).fill(fill)
const pauses: number[] = []
const pause = async (milliseconds: number): Promise<void> => {
  pauses.push(milliseconds)
}

async function fakeOf(kernel: Partial<FakeKernel> = {}): Promise<FakeTsm> {
  const machine = await simulated({ gpus: [] })
  const quote = async (reportData: Bytes) => (await simulateQuote(machine, reportData)).quote
  const fake = await FakeTsm.create({ provider: 'tdx_guest', quote, ...kernel })
  fakes.push(fake)
  return fake
}
const open = (fake: FakeTsm): Promise<ConfigfsTsm> =>
  ConfigfsTsm.open({ directory: fake.directory, files: fake, pause })

describe('a quote through the kernel', () => {
  test('is over the bytes that were written, and its entry is gone afterwards', async () => {
    const fake = await fakeOf()
    const attester = await open(fake)
    expect(attester.kind).toBe('tdx')
    const { bytes, collateral } = await attester.quote(data(7))
    expect(readQuote(bytes).report.reportData).toEqual(data(7))
    expect(collateral).toBeNull()
    expect(fake.written).toEqual([data(7)])
    expect(await fake.entries()).toEqual([])
  })

  test('is asked for in the order that the kernel documents: count, write, read, count again, remove', async () => {
    const fake = await fakeOf()
    const attester = await open(fake)
    fake.done.length = 0
    await attester.quote(data(1))
    expect(fake.done).toEqual([
      'makeEntry',
      'read generation',
      'write inblob',
      'read outblob',
      'read generation',
      'removeEntry',
    ])
  })

  test('ends where it says it ends: what a host puts after it is cut off', async () => {
    const machine = await simulated({ gpus: [] })
    const whole = (await simulateQuote(machine, data(3))).quote
    const fake = await fakeOf({ quote: () => concat(whole, new Uint8Array(3000)) })
    const { bytes } = await (await open(fake)).quote(data(3))
    expect(bytes).toEqual(trimQuote(concat(whole, new Uint8Array(3000))))
    expect(bytes).toEqual(whole)
  })

  test('any number of users have entries of their own', async () => {
    const fake = await fakeOf()
    const [first, second] = await Promise.all([open(fake), open(fake)])
    const asked = [1, 2, 3, 4, 5, 6]
    const quotes = await Promise.all(asked.map((fill) => (fill % 2 ? first : second).quote(data(fill))))
    expect(quotes.map(({ bytes }) => readQuote(bytes).report.reportData)).toEqual(asked.map(data))
    expect(await fake.entries()).toEqual([])
  })

  test('takes 64 bytes, neither fewer nor more', async () => {
    const attester = await open(await fakeOf())
    await expect(attester.quote(new Uint8Array(63))).rejects.toThrow(RangeError)
    await expect(attester.quote(new Uint8Array(65))).rejects.toThrow(RangeError)
  })
})

describe('what stands in the way of a quote', () => {
  test.each([
    ['makeEntry', 'EEXIST'],
    ['write inblob', 'EBUSY'],
    ['read outblob', 'EINTR'],
    ['read outblob', 'EBUSY'],
    ['read outblob', 'EAGAIN'],
    ['read outblob', 'ETIMEDOUT'],
    ['write inblob', 'lost'],
    ['write inblob', 'twice'],
  ])('%s: %s passes, and the next attempt with an entry of its own succeeds', async (at, code) => {
    const fake = await fakeOf()
    const attester = await open(fake)
    fake.fault(at, code)
    fake.done.length = 0
    pauses.length = 0
    const { bytes } = await attester.quote(data(9))
    expect(readQuote(bytes).report.reportData).toEqual(data(9))
    expect(fake.done.filter((operation) => operation === 'makeEntry')).toHaveLength(2)
    expect(pauses).toEqual([50])
    expect(await fake.entries()).toEqual([])
  })

  test('is given up after some seconds when it does not pass', async () => {
    const fake = await fakeOf()
    const attester = await open(fake)
    for (let i = 0; i < 7; i += 1) fake.fault('read outblob', 'EBUSY')
    pauses.length = 0
    expect(await codeOf(attester.quote(data(9)))).toBe('tee-busy')
    expect(pauses).toEqual([50, 100, 200, 400, 800, 1600])
    expect(await fake.entries()).toEqual([])
  })

  test.each([
    ['read outblob', 'EIO', 'tee-failed'],
    ['read outblob', 'EFBIG', 'tee-failed'],
    ['write inblob', 'EACCES', 'tee-failed'],
    ['makeEntry', 'EPERM', 'tee-failed'],
    ['makeEntry', 'ENXIO', 'tee-absent'],
  ])('%s: %s is %3$s at once, and leaves no entry', async (at, code, expected) => {
    const fake = await fakeOf()
    const attester = await open(fake)
    fake.fault(at, code)
    pauses.length = 0
    expect(await codeOf(attester.quote(data(9)))).toBe(expected)
    expect(pauses).toEqual([])
    expect(await fake.entries()).toEqual([])
  })

  test('a quote over other bytes is not taken for ours', async () => {
    const machine = await simulated({ gpus: [] })
    const fake = await fakeOf({ quote: async () => (await simulateQuote(machine, data(1))).quote })
    const attester = await open(fake)
    expect(await codeOf(attester.quote(data(2)))).toBe('quote-wrong')
    expect(await fake.entries()).toEqual([])
  })

  test.each([
    ['nothing', new Uint8Array()],
    ['too little', new Uint8Array(60)],
    ['version 3', concat(Uint8Array.of(3, 0), new Uint8Array(5000))],
    ['a version 4 that ends early', concat(Uint8Array.of(4, 0), new Uint8Array(600))],
    ['a version 5 with a report of no known length', concat(Uint8Array.of(5, 0), new Uint8Array(5000))],
  ])('%s is no quote', async (_, answer) => {
    expect(await codeOf((await open(await fakeOf({ quote: () => answer }))).quote(data(0)))).toBe('quote-wrong')
  })

  test('an entry that cannot be removed spoils no quote, and is told of', async () => {
    const fake = await fakeOf()
    const left: string[] = []
    const tell = (entry: string) => left.push(entry)
    const attester = await ConfigfsTsm.open({ directory: fake.directory, files: fake, pause, left: tell })
    fake.fault('removeEntry', 'EBUSY')
    await attester.quote(data(4))
    expect(left).toHaveLength(1)
  })
})

describe('a machine that is not for private nodes', () => {
  const message = async (directory: string): Promise<string> => {
    const error: unknown = await ConfigfsTsm.open({ directory }).catch((caught: unknown) => caught)
    if (!(error instanceof AttestationError)) throw new Error('not refused')
    return `${error.code} ${error.message}`
  }

  test('without configfs it is told so', async () => {
    const said = await message('/nowhere/config/tsm/report')
    expect(said).toMatch(/^tee-absent .*no configfs/)
  })

  test('without the directory it is told what to look at, and what to type', async () => {
    const root = await mkdtemp(join(tmpdir(), 'cocoon-config-'))
    const said = await message(join(root, 'tsm', 'report'))
    expect(said).toMatch(/^tee-absent .*no confidential VM.*6\.7.*mount -t configfs.*modprobe.*--attester none/)
    await rm(root, { recursive: true })
  })

  test('with hardware of another kind it is told which', async () => {
    const fake = await fakeOf({ provider: 'arm_cca_guest' })
    await expect(open(fake)).rejects.toThrow(/arm_cca_guest/)
    expect(await fake.entries()).toEqual([])
  })

  test('a plain directory is no kernel: the entry made in it is removed again', async () => {
    const root = await mkdtemp(join(tmpdir(), 'cocoon-config-'))
    expect(await message(root)).toMatch(/^tee-failed .*ENOENT/)
    await rm(root, { recursive: false, force: true }).catch(() => {})
    await expect(kernelFiles.removeEntry(root)).resolves.toBeUndefined()
  })
})

describe('SEV-SNP', () => {
  const report = (fill: number): Bytes => {
    const bytes = new Uint8Array(1184)
    bytes.fill(fill, 0x50, 0x90)
    return bytes
  }
  const snp = (rest: Partial<FakeKernel> = {}) =>
    fakeOf({ provider: 'sev_guest', quote: ([fill = 0]) => concat(report(fill), new Uint8Array(16)), ...rest })

  test('is known by its provider; its report is 1184 bytes', async () => {
    const attester = await open(await snp())
    expect(attester.kind).toBe('sev-snp')
    expect((await attester.quote(data(5))).bytes).toEqual(report(5))
  })

  test('whatever holds a higher privilege level is refused', async () => {
    const attester = await open(await snp({ privlevelFloor: '2' }))
    await expect(attester.quote(data(5))).rejects.toThrow(/privilege level 2/)
    expect(await codeOf((await open(await snp({ privlevelFloor: '0' }))).quote(data(5)))).toBe('none: object')
  })

  test("certificates that the host hands out become the node's own collateral", async () => {
    const auxblob = tableOf({ vcek: [1, 2, 3], ask: [4], ark: [5], crl: [6, 7] })
    const { collateral } = await (await open(await snp({ auxblob }))).quote(data(5))
    expect(collateral).toEqual({
      tee: 'sev-snp',
      snp: {
        vcek: Uint8Array.of(1, 2, 3),
        chain: [4, 5]
          .map((byte) => `-----BEGIN CERTIFICATE-----\n${btoa(String.fromCharCode(byte))}\n-----END CERTIFICATE-----\n`)
          .join(''),
        crl: Uint8Array.of(6, 7),
      },
    })
  })

  test('without them, or with a table that is broken, it has none of its own', async () => {
    const tables = [
      new Uint8Array(),
      new Uint8Array(4096),
      tableOf({ vcek: [1], ask: [2] }),
      tableOf({ vcek: [1], ask: [2], ark: [3] }).slice(0, 98),
      new Uint8Array(200).fill(255),
    ]
    for (const auxblob of tables) {
      const { collateral } = await (await open(await snp({ auxblob }))).quote(data(5))
      expect(collateral).toBeNull()
    }
  })

  const guids = {
    vcek: '63da758de6644564adc5f4b93be8accd',
    ask: '4ab7b379bbac4fe4a02f05aef327c782',
    ark: 'c0b406a4a803495297433fb6014cd0ae',
    crl: '92f81bc358114d3d97ffd19f88dc67ea',
  }
  function tableOf(entries: Partial<Record<keyof typeof guids, number[]>>): Bytes {
    const names = Object.keys(entries) as (keyof typeof guids)[]
    const head = Buffer.alloc((names.length + 1) * 24)
    let offset = head.length
    names.forEach((name, i) => {
      head.write(guids[name], i * 24, 'hex')
      head.writeUInt32LE(offset, i * 24 + 16)
      head.writeUInt32LE(entries[name]?.length ?? 0, i * 24 + 20)
      offset += entries[name]?.length ?? 0
    })
    return concat(head, ...names.map((name) => Uint8Array.from(entries[name] ?? [])))
  }
})

describe("the kernel's files", () => {
  test('are read to their end, up to a bound', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'cocoon-files-'))
    const path = join(directory, 'blob')
    await writeFile(path, new Uint8Array(1000).fill(1))
    expect(await kernelFiles.read(path, 1000)).toEqual(new Uint8Array(1000).fill(1))
    await expect(kernelFiles.read(path, 999)).rejects.toThrow(RangeError)
    await rm(directory, { recursive: true })
  })

  test('are written where they are, and never made', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'cocoon-files-'))
    expect(await codeOf(kernelFiles.write(join(directory, 'inblob'), data(1)))).toBe('ENOENT')
    await mkdir(join(directory, 'entry'))
    expect(await codeOf(kernelFiles.makeEntry(join(directory, 'entry')))).toBe('EEXIST')
    await writeFile(join(directory, 'entry', 'attribute'), '')
    expect(await codeOf(kernelFiles.removeEntry(join(directory, 'entry')))).toBe('ENOTEMPTY')
    await rm(directory, { recursive: true })
  })
})
