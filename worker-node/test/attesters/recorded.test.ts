import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bytes, concat, copy, fromHex, hex } from '@cocoon/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { pins } from '../../../protocol/src/appraisal/pins/production.ts'
import { readQuote, trimQuote } from '../../../protocol/src/appraisal/tdx/quote.ts'
import { readSpdmReport } from '../../../protocol/src/appraisal/gpu/spdm.ts'
import { ConfigfsTsm } from '../../src/attesters/configfs-tsm.ts'
import { NvidiaCommand } from '../../src/attesters/nvidia-command.ts'
import { readQuoteForm } from '../../src/attesters/quote-form.ts'
import { FakeTsm } from './fake-tsm.ts'
import { codeOf } from './machine.ts'

/** What real machines answered. It lies beside the repository and may be absent. */
const folder = new URL('../../../../shared/vectors/', import.meta.url)
const present = existsSync(folder)
let run = 0
if (!present) console.log('recorded quotes and GPU evidence: not present, not run')
afterAll(() => {
  if (present) console.log(`recorded quotes and GPU evidence: ${run} run`)
})
const bytes = (name: string): Bytes => copy(readFileSync(new URL(name, folder)))
const text = (name: string): string => readFileSync(new URL(name, folder), 'utf8')
const inHex = (name: string): Bytes => fromHex(text(name).replaceAll(/0x|[\s,]/g, ''))

const quotes: readonly [name: string, read: () => Bytes][] = [
  ['tdx/go-tdx-guest/tdx_prod_quote_SPR_E4.dat', () => bytes('tdx/go-tdx-guest/tdx_prod_quote_SPR_E4.dat')],
  ['tdx/go-tdx-guest/cos-113-tdx-quote.dat', () => bytes('tdx/go-tdx-guest/cos-113-tdx-quote.dat')],
  ['tdx/go-tdx-guest/quote_v5_sample.dat', () => bytes('tdx/go-tdx-guest/quote_v5_sample.dat')],
  ['tdx/dcap-qvl/tdx_quote', () => bytes('tdx/dcap-qvl/tdx_quote')],
  ['tdx/dcap-qvl/tdx_quote_outdated', () => bytes('tdx/dcap-qvl/tdx_quote_outdated')],
  ['tdx/dcap-qvl/tdx-quote.hex', () => inHex('tdx/dcap-qvl/tdx-quote.hex')],
]

describe.skipIf(!present)('recorded quotes, through the directory that the kernel answers in', () => {
  test.each(quotes)('%s comes back to its last byte', async (_, read) => {
    run += 1
    const recorded = read()
    const { report } = readQuote(trimQuote(recorded))
    const fake = await FakeTsm.create({ provider: 'tdx_guest', quote: () => recorded })
    try {
      const attester = await ConfigfsTsm.open({ directory: fake.directory, files: fake })
      const quote = await attester.quote(report.reportData)
      expect(quote.bytes).toEqual(trimQuote(recorded))
      expect(readQuoteForm('tdx', recorded).rtmr3).toEqual(report.rtmr[3])
      expect(await codeOf(attester.quote(new Uint8Array(64).fill(0xee)))).toBe('quote-wrong')
    } finally {
      await fake.close()
    }
  })

  test('an SEV-SNP report comes with the certificates that its host hands out', async () => {
    run += 1
    const report = bytes('sev/go-sev-guest/attestation.bin')
    const [ask = '', ark = ''] =
      text('sev/go-sev-guest/milan.testcer').match(/-----BEGIN[^]*?END CERTIFICATE-----\n?/g) ?? []
    const vcek = bytes('sev/go-sev-guest/vcek.testcer')
    const auxblob = tableOf([
      ['63da758de6644564adc5f4b93be8accd', vcek],
      ['4ab7b379bbac4fe4a02f05aef327c782', new TextEncoder().encode(ask)],
      ['c0b406a4a803495297433fb6014cd0ae', new TextEncoder().encode(ark)],
    ])
    const fake = await FakeTsm.create({ provider: 'sev_guest', quote: () => report, auxblob })
    try {
      const attester = await ConfigfsTsm.open({ directory: fake.directory, files: fake })
      const quote = await attester.quote(report.slice(0x50, 0x90))
      expect(quote.bytes).toEqual(report)
      const { collateral } = quote
      if (collateral?.tee !== 'sev-snp') throw new Error('no collateral of AMD')
      expect(collateral.snp.vcek).toEqual(vcek)
      expect(collateral.snp.chain.replaceAll(/\s/g, '')).toBe((ask + ark).replaceAll(/\s/g, ''))
    } finally {
      await fake.close()
    }
  })

  function tableOf(entries: readonly (readonly [guid: string, value: Bytes])[]): Bytes {
    const head = Buffer.alloc((entries.length + 1) * 24)
    let offset = head.length
    entries.forEach(([guid, value], i) => {
      head.write(guid, i * 24, 'hex')
      head.writeUInt32LE(offset, i * 24 + 16)
      head.writeUInt32LE(value.length, i * 24 + 20)
      offset += value.length
    })
    return concat(head, ...entries.map(([, value]) => value))
  }
})

describe.skipIf(!present)('recorded H100 evidence, printed by a tool on the PATH', () => {
  test.each([
    ['nvtrust', 'nvidia/nvtrust/hopperAttestationReport.txt', 'nvidia/nvtrust/hopperCertChain.txt'],
    ['go-nvtrust', 'nvidia/go-nvtrust/attestationReport.txt', 'nvidia/go-nvtrust/gpuAkCertChain.txt'],
  ])('%s: report and chain as NVIDIA signed them, and no other nonce', async (_, reportName, chainName) => {
    run += 1
    const report = inHex(reportName)
    const printed = {
      evidences: [
        {
          evidence: Buffer.from(report).toString('base64'),
          certificate: Buffer.from(text(chainName)).toString('base64'),
        },
      ],
      result_code: 0,
      result_message: 'Ok',
    }
    const directory = await mkdtemp(join(tmpdir(), 'cocoon-nvattest-'))
    const path = process.env['PATH']
    try {
      await writeFile(join(directory, 'evidence.json'), JSON.stringify(printed))
      await writeFile(join(directory, 'nvattest'), `#!/bin/sh\ncat ${directory}/evidence.json\n`)
      await chmod(join(directory, 'nvattest'), 0o755)
      process.env['PATH'] = `${directory}:${path}`
      const nonce = readSpdmReport(report).nonce
      const gpus = await new NvidiaCommand().evidence(async () => nonce)
      expect(gpus.map((gpu) => hex(gpu.report))).toEqual([hex(report)])
      expect(gpus[0]?.chain).toHaveLength(5)
      expect(gpus[0]?.chain.at(-1)).toEqual(pins.nvidiaRoot)
      expect(await codeOf(new NvidiaCommand().evidence(async () => new Uint8Array(32)))).toBe('gpu-evidence')
    } finally {
      process.env['PATH'] = path
      await rm(directory, { recursive: true })
    }
  })
})
