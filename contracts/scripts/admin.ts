// Administration of channels and Registry, by hand: `node contracts/scripts/admin.ts COMMAND --network NETWORK ...`
//
// Without --send it only says what would happen, and asks nobody. With --send it signs with the wallet (W5) whose 24 words
// are in the file that COCOON_WALLET_FILE names; no key is ever taken from the command line, where other programs and the
// shell's history would see it. On mainnet it asks twice.
import { readFileSync, statSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { parseArgs } from 'node:util'
import { networks } from '@cocoon/protocol'
import { formatGrams } from '@cocoon/protocol/money'
import { Address, internal, SendMode } from '@ton/core'
import { mnemonicToPrivateKey, mnemonicValidate } from '@ton/crypto'
import { TonClient, WalletContractV5R1 } from '@ton/ton'
import { Channel } from '../src/index.ts'
import { commands, type Plan, PlanError, planOf } from './plan.ts'

const endpoints = {
  mainnet: 'https://toncenter.com/api/v2/jsonRPC',
  testnet: 'https://testnet.toncenter.com/api/v2/jsonRPC',
  localnet: 'http://127.0.0.1:8081/api/v2/jsonRPC',
} as const

const names = [...new Set(Object.values(commands).flatMap(({ needs }) => needs))]
const usage = `usage: node contracts/scripts/admin.ts COMMAND --network mainnet|testnet|localnet [...] [--send]

${Object.entries(commands)
  .map(([name, { about, needs }]) => `  ${name}: ${about}\n      ${needs.map((need) => `--${need}`).join(' ')}`)
  .join('\n')}
  show: print what a channel says
      --channel

Without --send nothing is sent. --send signs with the 24 words in the file COCOON_WALLET_FILE names.
COCOON_TON_ENDPOINT and COCOON_TON_KEY choose another toncenter endpoint and its key. --channel may be repeated.`

function fail(message: string): never {
  console.error(message)
  process.exit(2)
}

/** Words or 64-byte keys on the command line are already leaked; say so before anything else. */
function refuseSecrets(given: readonly string[]): void {
  const secret = given.some((text) => /^(?:[a-z]+[ ,]+){11,}[a-z]+$/.test(text) || /^[0-9a-f]{128}$/i.test(text))
  if (secret) fail('That looks like a secret key. It is in your shell history now: move the coins to a new wallet.')
}

function readArguments() {
  const many = Object.fromEntries(
    names.map((name) => [name, { type: 'string', multiple: name === 'channel' } as const]),
  )
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { ...many, network: { type: 'string' }, send: { type: 'boolean' }, help: { type: 'boolean' } },
    })
    const { network, send, help, ...rest } = values as Record<string, string | string[] | boolean | undefined>
    return { command: positionals.join(' '), network: String(network), send: send === true, help: help === true, rest }
  } catch (error) {
    return fail(`${(error as Error).message}\n\n${usage}`)
  }
}

function clientOf(network: keyof typeof endpoints): TonClient {
  const apiKey = process.env['COCOON_TON_KEY']
  const endpoint = process.env['COCOON_TON_ENDPOINT'] ?? endpoints[network]
  return new TonClient({ endpoint, ...(apiKey === undefined ? {} : { apiKey }) })
}

async function readWallet(): Promise<{ publicKey: Buffer; secretKey: Buffer }> {
  const file = process.env['COCOON_WALLET_FILE']
  if (file === undefined) fail('Set COCOON_WALLET_FILE to a file with the 24 words of the wallet that signs.')
  if ((statSync(file).mode & 0o077) !== 0) fail(`Others can read ${file}: chmod 600 it first.`)
  const words = readFileSync(file, 'utf8').trim().split(/\s+/)
  if (!(await mnemonicValidate(words))) fail(`${file} does not hold the 24 words of a wallet.`)
  return mnemonicToPrivateKey(words)
}

/** On mainnet the second question asks for the sum, so that a yes out of habit is not enough. */
async function confirm(plan: Plan): Promise<void> {
  if (plan.network !== 'mainnet') return
  const total = formatGrams(plan.messages.reduce((sum, { value }) => sum + value, 0n))
  const lines = createInterface({ input: process.stdin, output: process.stdout })
  // Collected as they come: the second answer may arrive before it is asked for.
  const answers = lines[Symbol.asyncIterator]()
  for (const [question, expected] of [
    ['This is mainnet, and these are real coins. Type mainnet to go on: ', 'mainnet'],
    [`Type how many GRAM leave the wallet, as it stands above: `, total],
  ] as const) {
    process.stdout.write(question)
    const { value } = await answers.next()
    if (value !== expected) fail('\nNothing was sent.')
  }
  lines.close()
}

async function send(plan: Plan): Promise<void> {
  const { publicKey, secretKey } = await readWallet()
  const client = clientOf(plan.network)
  const networkGlobalId = networks[plan.network]
  const wallet = client.open(WalletContractV5R1.create({ publicKey, walletId: { networkGlobalId } }))
  await confirm(plan)
  await wallet.sendTransfer({
    seqno: await wallet.getSeqno(),
    secretKey,
    sendMode: SendMode.PAY_GAS_SEPARATELY | SendMode.IGNORE_ERRORS,
    messages: plan.messages.map(({ to, value, body, init }) =>
      internal({ to, value, body, bounce: init === undefined, ...(init ? { init } : {}) }),
    ),
  })
  console.log(`Sent from ${wallet.address.toString({ bounceable: false, testOnly: plan.network === 'testnet' })}.`)
  console.log('Whether it did what it should stands in the state: ask again in a minute with `show`.')
}

async function show(network: keyof typeof endpoints, channel: string): Promise<void> {
  const view = await clientOf(network)
    .open(Channel.at(Address.parse(channel)))
    .getChannel()
  for (const [name, value] of Object.entries(view)) {
    const text = value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value ?? 'none')
    console.log(`${name}: ${text}`)
  }
}

refuseSecrets(process.argv.slice(2))
const { command, network, send: wanted, help, rest } = readArguments()
if (help || command === '') {
  console.log(usage)
  process.exit(help ? 0 : 2)
}
try {
  if (command === 'show') {
    const [channel] = [rest['channel'] ?? []].flat()
    if (typeof channel !== 'string' || !Object.hasOwn(endpoints, network)) fail('show needs --network and --channel')
    await show(network as keyof typeof endpoints, channel)
  } else {
    const plan = planOf(command, network, rest as Record<string, string | string[]>, Math.floor(Date.now() / 1000))
    const total = plan.messages.reduce((sum, { value }) => sum + value, 0n)
    console.log(`On ${plan.network}, from your wallet:`)
    for (const words of plan.words) console.log(`  ${words}`)
    console.log(`  in all ${formatGrams(total)} GRAM leave it; what is not needed for gas comes back, deposits stay`)
    if (wanted) await send(plan)
    else console.log('Nothing was sent. Add --send to do it.')
  }
} catch (error) {
  if (error instanceof PlanError) fail(error.message)
  throw error
}
