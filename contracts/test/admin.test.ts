import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hex } from '@cocoon/protocol'
import { describe, expect, it } from 'vitest'
import { askTwice, readWords, refuseSecrets } from '../scripts/consent.ts'
import { planOf, type Values } from '../scripts/plan.ts'
import { channelAddress, channelCode } from '../src/index.ts'
import { code } from './chain.ts'
import { CENT, CHALLENGE, DAY, GRAM, World } from './world.ts'

const brokerOf = (world: World): Values => ({
  broker: world.broker.toString(),
  'broker-key': hex(world.signers.broker.publicKey),
  fee: '500',
})

describe('the plan of an administrator', () => {
  it('opens, revokes, closes, cancels, finishes, collects and rotates as it says', async () => {
    const world = await World.create()
    const channel = world.channel.address.toString()
    const key = hex(world.signers.payer.publicKey)
    const perform = async (from: 'owner' | 'broker' | 'stranger', command: string, values: Values) => {
      const plan = planOf(command, 'mainnet', values, world.now)
      expect(plan.words.length).toBeGreaterThan(0)
      for (const { value, body } of plan.messages) {
        expect(await world.send(world[from], body, { value, deploy: true })).toMatchObject({ done: true })
      }
      return plan
    }
    const opened = await perform('owner', 'open', {
      owner: world.owner.toString(),
      ...brokerOf(world),
      'payer-key': key,
      limit: '0.5',
      days: '30',
      deposit: '1',
    })
    if (code === channelCode) expect(opened.messages[0]?.to.equals(channelAddress(world.initial))).toBe(true)
    expect(await world.payerKey()).toMatchObject({ limit: GRAM / 2n, expires: world.now + 30 * DAY })
    await world.claim([await world.entry({ floor: CENT })])
    await perform('stranger', 'collect-fees', { channel: [channel] })
    expect((await world.state()).fees).toBe(0n)
    const next = world.key('next')
    await perform('broker', 'rotate-broker-key', { channel: [channel], 'broker-key': hex(next.publicKey) })
    expect((await world.state()).brokerKey).toEqual(next.publicKey)
    await perform('owner', 'revoke', { channel: [channel], 'payer-key': key })
    expect((await world.payerKey()).revoked).toBe(true)
    await perform('owner', 'request-close', { channel: [channel] })
    await perform('owner', 'cancel-close', { channel: [channel] })
    await perform('owner', 'request-close', { channel: [channel] })
    world.pass(CHALLENGE)
    await perform('stranger', 'finish-close', { channel: [channel] })
    expect((await world.state()).opened).toBe(0n)
  })

  it('speaks to many channels at once, and to no more than fit', () => {
    const channel = 'EQ'.padEnd(48, 'A')
    expect(() => planOf('collect-fees', 'mainnet', { channel: [channel] }, 0)).toThrow('--channel is no address')
    const good = `0:${'ab'.repeat(32)}`
    expect(planOf('collect-fees', 'mainnet', { channel: Array(100).fill(good) }, 0).messages).toHaveLength(100)
    expect(() => planOf('collect-fees', 'mainnet', { channel: Array(101).fill(good) }, 0)).toThrow('at most 100')
  })

  it('plans every change of the Registry', () => {
    const registry = `0:${'cd'.repeat(32)}`
    const broker = `0:${'ef'.repeat(32)}`
    const hash = '12'.repeat(32)
    const terms = { broker, 'broker-key': hash, fee: '500' }
    const plans: [string, Values][] = [
      ['deploy-registry', { owner: broker, guardian: registry, delay: '259200', ...terms }],
      ['queue-code', { registry, hash }],
      ['queue-broker', { registry, ...terms }],
      ['queue-content', { registry, hash, sequence: '2' }],
      ['apply-change', { registry }],
      ['cancel-change', { registry, number: '3' }],
      ['revoke-code', { registry, hash }],
      ['revoke-broker', { registry, broker }],
    ]
    for (const [command, values] of plans) {
      const plan = planOf(command, 'testnet', values, 0)
      expect(plan.messages).toHaveLength(1)
      expect(plan.words.join()).toMatch(/Registry/)
    }
  })

  it('says what is missing, unknown or wrong', () => {
    const channel = `0:${'ab'.repeat(32)}`
    const wrong: [string, string, Values, string][] = [
      ['fly', 'mainnet', {}, 'no command fly'],
      ['collect-fees', 'moon', { channel: [channel] }, '--network is one of'],
      ['collect-fees', 'mainnet', {}, 'needs --channel'],
      ['collect-fees', 'mainnet', { channel: [channel], limit: '1' }, 'knows no --limit'],
      ['revoke', 'mainnet', { channel: [channel], 'payer-key': 'AB' }, '64 lower-case hex'],
      ['cancel-change', 'mainnet', { registry: channel, number: '-1' }, 'whole number'],
    ]
    for (const [command, network, values, words] of wrong) {
      expect(() => planOf(command, network, values, 0)).toThrow(words)
    }
  })
})

describe('consent', () => {
  const channel = `0:${'ab'.repeat(32)}`
  const planFor = (network: string) => planOf('collect-fees', network, { channel: [channel, channel] }, 0)
  const answer = (...given: string[]) => {
    const said: string[] = []
    const answers = (async function* () {
      yield* given
    })()
    return { said, ask: (network: string) => askTwice(planFor(network), answers, (words) => said.push(words)) }
  }
  const file = (text: string, mode: number): string => {
    const path = join(mkdtempSync(join(tmpdir(), 'wallet-')), 'words')
    writeFileSync(path, text, { mode })
    return path
  }

  it('is asked for twice on mainnet, the second time by the sum', async () => {
    for (const given of [[], ['yes'], ['mainnet'], ['mainnet', 'mainnet'], ['mainnet', '0.01'], ['0.02', 'mainnet']]) {
      await expect(answer(...given).ask('mainnet')).rejects.toThrow('Nothing was sent')
    }
    const right = answer('mainnet', '0.02')
    await right.ask('mainnet')
    expect(right.said).toHaveLength(2)
  })

  it('is not asked for where coins are worth nothing', async () => {
    for (const network of ['testnet', 'localnet']) {
      const { said, ask } = answer()
      await ask(network)
      expect(said).toEqual([])
    }
  })

  it('is never given by a secret on the command line, and the secret is not repeated', () => {
    for (const secret of [Array(24).fill('word').join(' '), 'ab'.repeat(64)]) {
      expect(() => refuseSecrets(['collect-fees', secret])).toThrow('looks like a secret key')
      expect(() => refuseSecrets([secret])).not.toThrow(secret)
    }
    refuseSecrets(['open', '--payer-key', 'ab'.repeat(32), 'EQ'.padEnd(48, 'A')])
  })

  it('needs the words in a file that others cannot read', () => {
    expect(() => readWords(undefined)).toThrow('COCOON_WALLET_FILE')
    expect(() => readWords(file('one two', 0o644))).toThrow('chmod 600')
    expect(readWords(file(' one two\nthree\n', 0o600))).toEqual(['one', 'two', 'three'])
  })
})

describe('the command', () => {
  const script = fileURLToPath(new URL('../scripts/admin.ts', import.meta.url))
  const run = (args: readonly string[], env: Record<string, string> = {}) => {
    const child = spawnSync(process.execPath, [script, ...args], {
      input: 'mainnet\nno\n',
      encoding: 'utf8',
      // Nothing listens there: a test asks no toncenter.
      env: { PATH: process.env['PATH'] ?? '', COCOON_TON_ENDPOINT: 'http://127.0.0.1:9/', ...env },
    })
    return { status: child.status, out: child.stdout, err: child.stderr }
  }
  const collect = ['collect-fees', '--network', 'mainnet', '--channel', `0:${'ab'.repeat(32)}`]

  it('without --send says what would happen, and needs no wallet', () => {
    const { status, out } = run(collect)
    expect(status).toBe(0)
    expect(out).toContain('in all 0.01 GRAM leave it')
    expect(out).toContain('Nothing was sent')
  })

  it('with --send stops at the first wrong answer', () => {
    // Made for this test, and of no use anywhere.
    const words =
      'tunnel usage absent negative hour occur spike brother fluid mom mercy confirm ' +
      'twenty abstract faint injury flower alone device tribe canal indicate essence cradle'
    const file = join(mkdtempSync(join(tmpdir(), 'wallet-')), 'words')
    writeFileSync(file, words, { mode: 0o600 })
    const { status, out, err } = run([...collect, '--send'], { COCOON_WALLET_FILE: file })
    expect(out).toContain('Type how many GRAM')
    expect(err).toContain('Nothing was sent')
    expect(status).toBe(2)
  })
})
