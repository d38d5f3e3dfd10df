import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type Bytes, copy, fromHex, hex, sha256 } from '../../src/index.ts'
import type { Claims } from '../../src/appraisal/claims.ts'
import { decodeEvidence, type GpuEvidence, gpuEvidenceDigest } from '../../src/appraisal/evidence.ts'
import { inSteps } from '../../src/appraisal/failure.ts'
import { checkMode } from '../../src/appraisal/gpu/device.ts'
import { readSpdmReport } from '../../src/appraisal/gpu/spdm.ts'
import { gpuChecks, verifyGpus } from '../../src/appraisal/gpu/verify.ts'
import { pins } from '../../src/appraisal/pins/production.ts'
import { CocoonError } from '../../src/errors.ts'

/** Evidence of real H100 GPUs that others recorded. It lies beside the repository and may be absent. */
const folder = new URL('../../../../shared/vectors/nvidia/', import.meta.url)
const present = existsSync(folder)
if (!present) console.log('foreign NVIDIA vectors: not present, not run')

const text = (name: string): string => readFileSync(new URL(name, folder), 'utf8')
const certificates = (pem: string): Bytes[] =>
  [...pem.matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/g)].map(([, body = '']) =>
    Uint8Array.from(atob(body.replaceAll(/\s/g, '')), (char) => char.charCodeAt(0)),
  )
const report = (name: string): Bytes => fromHex(text(name).replaceAll(/0x|[\s,]/g, ''))
const nvtrust = (): GpuEvidence => ({
  report: report('nvtrust/hopperAttestationReport.txt'),
  chain: certificates(text('nvtrust/hopperCertChain.txt')),
})
const goNvtrust = (): GpuEvidence => ({
  report: report('go-nvtrust/attestationReport.txt'),
  chain: certificates(text('go-nvtrust/gpuAkCertChain.txt')),
})

/** Nobody knows a key and a boot nonce that these recorded nonces are made of, so every check but that one is asked. */
const fill = (length: number): Bytes => new Uint8Array(length)
async function appraise(gpus: readonly GpuEvidence[], root = pins.nvidiaRoot) {
  const claims: Claims = {
    version: 1,
    network: -239,
    identity: fill(32),
    workload: {
      engine: { image: fill(32), arguments: [] },
      models: [{ model: 'm', root: fill(32) }],
      policy: fill(32),
    },
    gpu: await Promise.all(gpus.map(gpuEvidenceDigest)),
    bootNonce: fill(32),
    notBefore: 0,
    notAfter: 1,
  }
  const now = Date.parse('2026-11-22T00:00:00Z') / 1000
  return inSteps(gpuChecks, (steps) => verifyGpus(steps, { claims, gpus, expected: gpus.length, root, now }))
}
const passed = ({ steps }: Awaited<ReturnType<typeof appraise>>): string[] =>
  steps.filter(({ status }) => status === 'passed').map(({ name }) => name)

describe.skipIf(!present)('recorded evidence of H100 GPUs, under the production root', () => {
  it('the pinned root is the one that NVIDIA publishes', async () => {
    const [root] = certificates(text('nvtrust/verifier_device_root.pem'))
    expect(hex(root ?? fill(0))).toBe(hex(pins.nvidiaRoot))
    expect(hex(await sha256(pins.nvidiaRoot))).toBe('102bf659d5419614c9d8e6aecebc80454eb26b1df6a769ac720b9a690b167b48')
  })

  it.each([
    ['nvtrust', nvtrust],
    ['go-nvtrust', goNvtrust],
  ] as const)("%s: chain, firmware and signature hold, and only the nonce is another's", async (_, evidence) => {
    const outcome = await appraise([evidence()])
    expect(outcome.failure).toMatchObject({ code: 'gpu-nonce', step: 'gpu.nonces' })
    expect(passed(outcome)).toEqual(gpuChecks.slice(0, 6).map(({ name }) => name))
  })

  it('the nonce, the measurements and the confidential mode are read', () => {
    const read = readSpdmReport(nvtrust().report)
    expect(hex(read.nonce)).toBe('931d8dd0add203ac3d8b4fbde75e115278eefcdceac5b87671a748f32364dfcb')
    expect(read.measurements.size).toBe(64)
    expect(checkMode(read)).toBe('one GPU')
    expect(checkMode(readSpdmReport(goNvtrust().report))).toBe('one GPU')
  })

  it('two different GPUs pass together, the same one twice does not', async () => {
    expect((await appraise([nvtrust(), goNvtrust()])).failure?.code).toBe('gpu-nonce')
    expect((await appraise([nvtrust(), nvtrust()])).failure?.code).toBe('gpu-duplicate')
    // Asked a second time, one GPU signs another report; its device key gives it away.
    const again = { ...nvtrust(), report: copy(goNvtrust().report) }
    expect((await appraise([nvtrust(), again])).failure).toMatchObject({ code: 'gpu-duplicate', step: 'gpu.devices' })
  })

  it('a chain with a missing link is refused', async () => {
    const chain = certificates(text('go-nvtrust/invalidCertChain.txt'))
    expect((await appraise([{ ...goNvtrust(), chain }])).failure?.code).toBe('chain-length')
    const [leaf, ...rest] = chain
    const padded = [leaf, ...rest, ...rest.slice(-1)].filter((one) => one !== undefined)
    expect((await appraise([{ ...goNvtrust(), chain: padded }])).failure?.code).toBe('chain-name')
  })

  it('a report under the chain of another GPU is refused', async () => {
    const mixed = { report: nvtrust().report, chain: goNvtrust().chain }
    expect((await appraise([mixed])).failure?.code).toBe('gpu-firmware')
    const older = { report: goNvtrust().report, chain: nvtrust().chain }
    expect((await appraise([older])).failure?.code).toBe('gpu-signature')
  })

  it('no bit of request or response can be changed', async () => {
    const { signed } = readSpdmReport(nvtrust().report)
    // Nonces of both sides, a measurement, an opaque value; form bytes are refused before the signature is looked at.
    for (const offset of [4, 35, 60, 37 + 8 + 7 + 55 * 3, 37 + 8 + 64 * 55, signed.length - 1]) {
      const evidence = nvtrust()
      evidence.report[offset] = (evidence.report[offset] ?? 0) ^ 1
      expect([offset, (await appraise([evidence])).failure?.code]).toEqual([offset, 'gpu-signature'])
    }
  })

  it('bytes behind the signature are refused', async () => {
    const longer = new Uint8Array([...nvtrust().report, 0])
    expect((await appraise([{ ...nvtrust(), report: longer }])).failure?.code).toBe('gpu-format')
  })

  it('another root refuses it', async () => {
    const { pins: development } = await import('../../src/appraisal/pins/development.ts')
    expect((await appraise([nvtrust()], development.nvidiaRoot)).failure?.code).toBe('chain-untrusted')
  })

  it('a token without a signature ("alg":"none") is no evidence', () => {
    const token = new Uint8Array(readFileSync(new URL('dstack/gpu_attestation_h100.json', folder)))
    expect(() => decodeEvidence(token)).toThrow(CocoonError)
    expect(() => readSpdmReport(token)).toThrow(expect.objectContaining({ code: 'gpu-version' }))
  })
})
