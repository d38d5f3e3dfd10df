import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { runInNewContext } from 'node:vm'
import {
  Address,
  beginCell,
  Cell,
  comment,
  contractAddress,
  loadMessage,
  loadStateInit,
  storeStateInit,
} from '@ton/core'
import { signVerify } from '@ton/crypto'
import { chromium } from 'playwright'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { browserArgs, findBrowser } from '../../scripts/browser.mjs'
import { crc32, dataHash, injectWallet, type Wallet, WalletApp } from '../src/chain/index.ts'
import { ChainWorld, GRAM } from './chain-world.ts'

interface ConnectEvent {
  readonly event: 'connect' | 'connect_error'
  readonly id: number
  readonly payload: {
    readonly code?: number
    readonly items: readonly Record<string, never>[]
    readonly device: object
  }
}
interface Answer {
  readonly id: string
  readonly result: string & { signature: string; timestamp: number; domain: string }
  readonly error?: { code: number; message: string }
}
/** What TON Connect finds on `window`. */
interface Bridge {
  connect(version: number, request: object): Promise<ConnectEvent>
  restoreConnection(): Promise<ConnectEvent>
  send(request: object): Promise<Answer>
  disconnect(): Promise<void>
  listen(listener: (event: unknown) => void): () => void
  readonly protocolVersion: number
}

let world: ChainWorld
let wallet: Wallet
let app: WalletApp
let pages: Server
let manifestUrl: string
beforeAll(async () => {
  world = await ChainWorld.start()
  wallet = await world.wallet('a person')
  pages = createServer((request, response) => {
    const manifests: Record<string, string> = {
      '/manifest.json': JSON.stringify({ url: 'https://app.cocoon.example/start', name: 'Cocoon' }),
      '/broken.json': '{"url": 5}',
    }
    const text = manifests[request.url ?? '']
    response.writeHead(text === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(text)
  })
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
  manifestUrl = `http://127.0.0.1:${(pages.address() as AddressInfo).port}/manifest.json`
  app = new WalletApp({ wallet, chain: world.client, network: -7239, clock: () => world.chain.now })
})
afterAll(async () => {
  pages.close()
  await world.stop()
})
afterEach(() => {
  app.mood = 'approve'
})

/** Runs the text of the function alone, as a browser does. */
function bridge(): Bridge {
  const page: Record<string, unknown> = {}
  page['walletApp'] = async (door: string, argument: unknown) => app.call(door, argument)
  runInNewContext(`(${injectWallet.toString()})({ key: 'testwallet', binding: 'walletApp' })`, page)
  return (page['testwallet'] as { tonconnect: Bridge }).tonconnect
}

const items = [{ name: 'ton_addr' }, { name: 'ton_proof', payload: 'a nonce' }]
let asked = 0
async function send(on: Bridge, method: string, parameter: object | string): Promise<Answer> {
  const text = typeof parameter === 'string' ? parameter : JSON.stringify(parameter)
  return on.send({ id: String(++asked), method, params: [text] })
}
const request = (messages: object[], more: object = {}) => ({
  valid_until: world.soon,
  network: '-7239',
  messages,
  ...more,
})

describe('the injected wallet', () => {
  it('connects with address, key and a proof for the domain of the manifest', async () => {
    const { event, payload } = await bridge().connect(2, { manifestUrl, items })
    expect(event).toBe('connect')
    const [account, proved] = payload.items as unknown as [
      { address: string; network: string; publicKey: string; walletStateInit: string },
      {
        proof: { timestamp: number; domain: { lengthBytes: number; value: string }; payload: string; signature: string }
      },
    ]
    expect([account.address, account.network]).toEqual([wallet.address.toRawString(), '-7239'])
    const init = loadStateInit(Cell.fromBase64(account.walletStateInit).beginParse())
    expect(contractAddress(0, init).toRawString()).toBe(account.address)
    const { proof } = proved
    expect(proof.domain).toEqual({ lengthBytes: 18, value: 'app.cocoon.example' })
    // As TON Connect's documentation writes it, byte by byte.
    const numbers = Buffer.alloc(16)
    numbers.writeUInt32LE(18, 4)
    numbers.writeBigUInt64LE(BigInt(proof.timestamp), 8)
    const message = Buffer.concat([
      Buffer.from('ton-proof-item-v2/'),
      numbers.subarray(0, 4),
      wallet.address.hash,
      numbers.subarray(4, 8),
      Buffer.from('app.cocoon.example'),
      numbers.subarray(8),
      Buffer.from('a nonce'),
    ])
    const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest()
    const signed = digest(Buffer.concat([Buffer.from('ffff', 'hex'), Buffer.from('ton-connect'), digest(message)]))
    const key = Buffer.from(account.publicKey, 'hex')
    expect(signVerify(signed, Buffer.from(proof.signature, 'base64'), key)).toBe(true)
    expect(signVerify(digest(message), Buffer.from(proof.signature, 'base64'), key)).toBe(false)
  })

  it('pays, deploys and carries payloads with a real W5 signature', async () => {
    const on = bridge()
    await on.connect(2, { manifestUrl, items })
    const to = new Address(0, Buffer.alloc(32, 0xbb))
    const payload = comment('for tea').toBoc().toString('base64')
    const [first, second] = [
      await send(on, 'sendTransaction', request([{ address: to.toRawString(), amount: GRAM.toString(), payload }])),
      await send(on, 'sendTransaction', request([{ address: to.toString({ bounceable: false }), amount: '5' }])),
    ]
    expect([first.error, second.error]).toEqual([undefined, undefined])
    expect(await wallet.seqno(world.client)).toBe(2)
    const message = loadMessage(Cell.fromBase64(first.result).beginParse())
    expect(message.info.dest?.toString()).toBe(wallet.address.toString())
    const arrived = await world.client.getTransactions(to, { limit: 5 })
    // The first was bounced, as a bounceable message to nobody is; the second stayed.
    expect(arrived.map(({ inMessage }) => inMessage?.body.equals(comment('for tea')))).toEqual([false, true])
    expect(await world.client.getBalance(to)).toBeLessThanOrEqual(5n)
    const other = await world.wallet('somebody else', 0n)
    const stateInit = beginCell().store(storeStateInit(other.init)).endCell().toBoc().toString('base64')
    const deploying = { address: other.address.toString(), amount: GRAM.toString(), stateInit }
    await send(on, 'sendTransaction', request([deploying]))
    expect(await world.client.isContractDeployed(other.address)).toBe(true)
  })

  it('signs text, bytes and cells', async () => {
    const on = bridge()
    await on.connect(2, { manifestUrl, items })
    for (const data of [
      { type: 'text', text: 'hello' },
      { type: 'binary', bytes: 'AAEC' },
      { type: 'cell', schema: 'message#_ text:string = Message;', cell: comment('hi').toBoc().toString('base64') },
    ] as const) {
      const { result } = await send(on, 'signData', data)
      const hash = dataHash(wallet.address, 'app.cocoon.example', result.timestamp, data)
      const signature = Buffer.from(result.signature, 'base64')
      expect(signVerify(hash, signature, Buffer.from(wallet.publicKey))).toBe(true)
    }
    expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926)
  })

  it('remembers the page until it is disconnected', async () => {
    const on = bridge()
    await on.connect(2, { manifestUrl, items })
    expect((await bridge().restoreConnection()).event).toBe('connect')
    await on.disconnect()
    expect(await bridge().restoreConnection()).toMatchObject({ event: 'connect_error', payload: { code: 100 } })
    expect((await send(on, 'signData', { type: 'text', text: 'x' })).error?.code).toBe(100)
    expect([on.protocolVersion, typeof on.listen(() => undefined)]).toEqual([2, 'function'])
  })

  it('says no when the person does, and sends nothing', async () => {
    const on = bridge()
    await on.connect(2, { manifestUrl, items })
    const before = await wallet.seqno(world.client)
    app.mood = 'decline'
    const pay = request([{ address: wallet.address.toString(), amount: '1' }])
    expect((await send(on, 'sendTransaction', pay)).error?.code).toBe(300)
    expect((await send(on, 'signData', { type: 'text', text: 'x' })).error?.code).toBe(300)
    expect((await bridge().connect(2, { manifestUrl, items })).payload.code).toBe(300)
    expect(await wallet.seqno(world.client)).toBe(before)
  })

  it('closed after it sent leaves the page waiting, and the coins moved all the same', async () => {
    const on = bridge()
    await on.connect(2, { manifestUrl, items })
    const before = await wallet.seqno(world.client)
    app.mood = 'close'
    let answered = false
    const pay = request([{ address: wallet.address.toString(), amount: '1' }])
    void send(on, 'sendTransaction', pay).then(() => (answered = true))
    while ((await wallet.seqno(world.client)) === before) await new Promise((resolve) => setTimeout(resolve, 5))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(answered).toBe(false)
  })

  it.each([
    [1, 'another network', () => request([], { network: '-239' })],
    [1, 'another sender', () => request([], { from: `0:${'11'.repeat(32)}` })],
    [1, 'a date that is over', () => request([], { valid_until: world.chain.now - 1 })],
    [1, 'no messages', () => ({ valid_until: world.soon })],
    [1, 'an amount that is none', () => request([{ address: wallet.address.toString(), amount: '1.5' }])],
    [1, 'an address that is none', () => request([{ address: 'here', amount: '1' }])],
    [1, 'a payload that is none', () => request([{ address: wallet.address.toString(), amount: '1', payload: '?' }])],
    [1, 'no JSON', () => '{'],
  ])('refuses with %i: %s', async (code, _, parameter) => {
    const on = bridge()
    await on.connect(2, { manifestUrl, items })
    expect((await send(on, 'sendTransaction', parameter())).error?.code).toBe(code)
  })

  it('refuses methods it does not know, and a page without a manifest', async () => {
    const on = bridge()
    expect((await send(on, 'explode', {})).error?.code).toBe(400)
    const connect = async (path: string) =>
      (await on.connect(2, { manifestUrl: manifestUrl.replace('manifest.json', path), items })).payload.code
    expect([await connect('none.json'), await connect('broken.json')]).toEqual([2, 3])
  })
})

it('works in a browser, under a policy that lets the page reach nobody', async () => {
  const executablePath = findBrowser()
  const browser = await chromium.launch({ args: browserArgs, ...(executablePath ? { executablePath } : {}) })
  try {
    const page = await browser.newPage()
    await page.exposeFunction('walletApp', (door: string, argument: unknown) => app.call(door, argument))
    await page.addInitScript(injectWallet, { key: 'testwallet', binding: 'walletApp' })
    await page.route('http://cocoon.test/', (route) =>
      route.fulfill({
        contentType: 'text/html',
        headers: { 'content-security-policy': "default-src 'none'" },
        body: '<title>page</title>',
      }),
    )
    await page.goto('http://cocoon.test/')
    const connected = await page.evaluate(async (url) => {
      const found = (globalThis as unknown as { testwallet: { tonconnect: Bridge } }).testwallet.tonconnect
      return found.connect(2, { manifestUrl: url, items: [{ name: 'ton_addr' }] })
    }, manifestUrl)
    expect(connected.payload.items).toMatchObject([{ address: wallet.address.toRawString() }])
  } finally {
    await browser.close()
  }
}, 60_000)
