import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hex, networks, verifyStatement } from '@cocoon/protocol'
import { decodeCollateral, decodeEvidence, evidenceDigest, readProof, workloadDigest } from '@cocoon/protocol/appraisal'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { developmentWorkload, planScene, publish } from '../../../localnet/src/tee/index.ts'
import { appraiseUnder } from '../../../protocol/src/appraisal/appraise.ts'
import { pins } from '../../../protocol/src/appraisal/pins/development.ts'
import { printQuote } from '../../../localnet/src/tee/quote-command.ts'
import { CommandAttester } from '../../src/attesters/command.ts'
import { readQuoteForm } from '../../src/attesters/quote-form.ts'
import { readWorkload, writeWorkload } from '../../src/attesters/workload-file.ts'
import { evidenceCommand } from '../../src/evidence-command.ts'
import { codeOf, counted, simulated } from './machine.ts'

const runTee = fileURLToPath(new URL('../../../localnet/src/run-tee.ts', import.meta.url))
const node = process.execPath
let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cocoon-command-'))
  await writeFile(join(directory, 'workload.json'), await writeWorkload(await developmentWorkload()))
})
afterEach(() => rm(directory, { recursive: true }))

const quoteCommand = (...more: string[]) => [node, runTee, 'quote', '{reportData}', ...more]
const gpuCommand = () => [node, runTee, 'collect-evidence', '--nonce', '{nonce}']
/** The machine's real clock: the simulated makers date their collateral by it. */
const now = () => Date.now()

describe('a configured quote command', () => {
  test('says whose hardware it is, and answers with a quote over what it is asked', async () => {
    const attester = await CommandAttester.open({ argv: quoteCommand('--tee', 'sev-snp') })
    expect(attester.kind).toBe('sev-snp')
    const reportData = new Uint8Array(64).fill(3)
    const { bytes, collateral } = await attester.quote(reportData)
    expect(readQuoteForm('sev-snp', bytes).reportData).toEqual(reportData)
    expect(collateral?.tee).toBe('sev-snp')
  })

  test.each([
    ['no JSON', 'echo hello', 'quote-wrong'],
    ['another form', `echo '{"quote":"AAAA"}'`, 'quote-wrong'],
    ['no quote', `echo '{"tee":"tdx","quote":"AAAA"}'`, 'quote-wrong'],
    ['nothing, and fails', 'exit 1', 'command-failed'],
  ])('that prints %s is named as the fault', async (_, script, code) => {
    const argv = ['sh', '-c', script, '{reportData}']
    const opened = CommandAttester.open({ argv }).then((attester) => attester.quote(new Uint8Array(64)))
    expect(await codeOf(opened)).toBe(code)
  })

  test('that answers with a quote of before is not believed', async () => {
    await writeFile(join(directory, 'quote.json'), await printQuote(await simulated(), new Uint8Array(64)))
    const attester = await CommandAttester.open({ argv: ['cat', join(directory, 'quote.json')] })
    expect(await codeOf(attester.quote(new Uint8Array(64).fill(1)))).toBe('quote-wrong')
  })
})

describe('a workload file', () => {
  test('is read as it was written', async () => {
    const workload = await developmentWorkload()
    expect(await readWorkload(await writeWorkload(workload))).toEqual(workload)
  })

  test.each([
    ['no JSON', () => 'workload', /no JSON/],
    ['a short root', (text: string) => text.replace(/"root": "../, '"root": "'), /models\.0\.root: 64 hex digits/],
    ['no model', (text: string) => text.replace(/"models": \[[^\]]*\]/, '"models": []'), /models/],
    ['a word too many', (text: string) => text.replace('"image"', '"url": "x", "image"'), /engine/],
    ["another workload's digest", (text: string) => text.replace('--no-network', '--network'), /digest is of another/],
  ])('with %s is refused, and the fault named', async (_, change, message) => {
    const text = change(await writeWorkload(await developmentWorkload()))
    await expect(readWorkload(text)).rejects.toThrow(message)
  })
})

describe('worker-node evidence', () => {
  const run = async (...args: string[]): Promise<string[]> => {
    const printed: string[] = []
    const print = (line: string) => printed.push(line)
    await evidenceCommand({ args: ['--network', 'localnet', ...args], environment: {}, now, print })
    return printed
  }
  /** Beside the file that the simulated image's init measured. */
  const attested = () => {
    const path = join(directory, 'workload.json')
    const quote = JSON.stringify(quoteCommand('--workload', path))
    const commands = ['--attester-command', quote, '--gpu-command', JSON.stringify(gpuCommand())]
    return ['--attester', 'command', '--workload', path, ...commands]
  }
  const read = async (end: string) => new Uint8Array(await readFile(join(directory, `evidence.${end}`)))

  test('writes what a device appraises, and the same in words, and prints its digest', async () => {
    const { engine, ...rest } = await developmentWorkload()
    const workload = { ...rest, engine: { ...engine, arguments: [...engine.arguments, '--slots', '8'] } }
    await writeFile(join(directory, 'workload.json'), await writeWorkload(workload))
    const printed = await run(...attested(), '--out', join(directory, 'evidence'))
    const evidence = await read('cbor')
    const digest = hex(await evidenceDigest(evidence))
    expect(printed.at(-1)).toBe(`digest  ${digest}`)

    const proof = readProof(await readFile(join(directory, 'evidence.json'), 'utf8'))
    expect(proof.evidence).toEqual(evidence)
    const statement = await verifyStatement(proof.statement, networks.localnet)
    const seconds = Math.floor(now() / 1000)
    const scene = await planScene({ now: seconds, random: counted(), workload })
    const appraisal = await appraiseUnder(pins, {
      network: networks.localnet,
      now: seconds,
      seen: null,
      ...(await publish(scene.registry)),
      evidence,
      collateral: decodeCollateral(await read('collateral.cbor')),
      statement,
    })
    expect(appraisal.code ?? appraisal.verdict).toBe('private')

    const claims = JSON.parse(await readFile(join(directory, 'evidence.claims.json'), 'utf8')) as Record<
      string,
      unknown
    >
    expect(claims).toMatchObject({ evidence: digest, tee: 'tdx', gpus: 1 })
    expect(claims['rtmr3']).toBe(hex(readQuoteForm('tdx', decodeEvidence(evidence).quote).rtmr3 ?? new Uint8Array()))
    expect(JSON.stringify(claims)).toMatch(/"notAfter":"20\d\d-\d\d-\d\dT/)
    const text = await readFile(join(directory, 'evidence.workload.json'), 'utf8')
    expect(await readWorkload(text)).toEqual(workload)
    expect(text).toContain(hex(await workloadDigest(workload)))
  })

  test.each([
    [[], /--attester configfs/],
    [['--attester', 'tpm'], /--attester: is one of/],
    [['--attester', 'command', '--attester-command', 'run-tee quote'], /a JSON list/],
    [['--atester', 'none'], /--attester .*--workload/s],
  ])('%j is told what to type', async (args, message) => {
    await expect(run(...args)).rejects.toThrow(message)
  })
})
