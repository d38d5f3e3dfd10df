// Administration of channels and Registry, by hand: `node contracts/scripts/admin.ts COMMAND --network NETWORK ...`
//
// Without --send it only says what would happen, and asks nobody. With --send it signs with the wallet (W5) whose 24 words
// are in the file that COCOON_WALLET_FILE names; no key is ever taken from the command line. On mainnet it asks twice.
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { type NetworkName, networks } from '@cocoon/protocol'
import { Address, internal, SendMode } from '@ton/core'
import { Channel } from '../src/index.ts'
import { askTwice, readWords, refuseSecrets, totalOf } from './consent.ts'
import { commands, type Plan, PlanError, planOf, type Values } from './plan.ts'

const endpoints = {
  mainnet: 'https://toncenter.com/api/v2/jsonRPC',
  testnet: 'https://testnet.toncenter.com/api/v2/jsonRPC',
  localnet: 'http://127.0.0.1:8081/api/v2/jsonRPC',
} as const satisfies Record<NetworkName, string>

const options = [...new Set(Object.values(commands).flatMap(({ needs }) => needs))]
const usage = `usage: node contracts/scripts/admin.ts COMMAND --network mainnet|testnet|localnet [...] [--send]

${Object.entries(commands)
  .map(([name, { about, needs }]) => `  ${name}: ${about}\n      ${needs.map((need) => `--${need}`).join(' ')}`)
  .join('\n')}
  show: print what a channel says
      --channel

Without --send nothing is sent. --send signs with the 24 words in the file COCOON_WALLET_FILE names.
COCOON_TON_ENDPOINT and COCOON_TON_KEY choose another toncenter endpoint and its key. --channel may be repeated.`

interface Asked {
  readonly command: string
  readonly network: string
  readonly help: boolean
  readonly wanted: boolean
  readonly values: Values
}

function readArguments(): Asked {
  const own = options.map((name) => [name, { type: 'string', multiple: name === 'channel' } as const])
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        ...Object.fromEntries(own),
        network: { type: 'string' },
        send: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    })
    const { network, send, help, ...rest } = values as Record<string, string | string[] | boolean | undefined>
    const command = positionals.join(' ')
    return { command, network: String(network), help: help === true, wanted: send === true, values: rest as Values }
  } catch (error) {
    throw new PlanError(`${(error as Error).message}\n\n${usage}`, { cause: error })
  }
}

async function clientOf(network: NetworkName) {
  const { TonClient } = await import('@ton/ton')
  const apiKey = process.env['COCOON_TON_KEY']
  const endpoint = process.env['COCOON_TON_ENDPOINT'] ?? endpoints[network]
  return new TonClient({ endpoint, ...(apiKey === undefined ? {} : { apiKey }) })
}

async function carryOut(plan: Plan): Promise<void> {
  const words = readWords(process.env['COCOON_WALLET_FILE'])
  const { mnemonicToPrivateKey, mnemonicValidate } = await import('@ton/crypto')
  if (!(await mnemonicValidate(words))) throw new PlanError('The file does not hold the 24 words of a wallet.')
  const lines = createInterface({ input: process.stdin })
  await askTwice(plan, lines[Symbol.asyncIterator](), (question) => process.stdout.write(question))
  lines.close()

  const { WalletContractV5R1 } = await import('@ton/ton')
  const { publicKey, secretKey } = await mnemonicToPrivateKey(words)
  const own = WalletContractV5R1.create({ publicKey, walletId: { networkGlobalId: networks[plan.network] } })
  const wallet = (await clientOf(plan.network)).open(own)
  await wallet.sendTransfer({
    seqno: await wallet.getSeqno(),
    secretKey,
    sendMode: SendMode.PAY_GAS_SEPARATELY | SendMode.IGNORE_ERRORS,
    messages: plan.messages.map(({ to, value, body, init }) =>
      internal({ to, value, body, bounce: true, ...(init ? { init } : {}) }),
    ),
  })
  console.log(`Sent from ${wallet.address.toString({ bounceable: false, testOnly: plan.network === 'testnet' })}.`)
  console.log('Whether it did what it should stands in the state: ask again in a minute with `show`.')
}

async function show(network: NetworkName, channel: string): Promise<void> {
  const view = await (await clientOf(network)).open(Channel.at(Address.parse(channel))).getChannel()
  for (const [name, value] of Object.entries(view)) {
    const text = value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value ?? 'none')
    console.log(`${name}: ${text}`)
  }
}

async function main(): Promise<void> {
  refuseSecrets(process.argv.slice(2))
  const { command, network, help, wanted, values } = readArguments()
  if (help || command === '') {
    console.log(usage)
    return
  }
  if (command === 'show') {
    const [channel] = [values['channel'] ?? []].flat()
    if (channel === undefined || !Object.hasOwn(endpoints, network)) {
      throw new PlanError('show needs --network and --channel')
    }
    return show(network as NetworkName, channel)
  }
  const plan = planOf(command, network, values, Math.floor(Date.now() / 1000))
  console.log(`On ${plan.network}, from your wallet:`)
  for (const words of plan.words) console.log(`  ${words}`)
  console.log(`  in all ${totalOf(plan)} GRAM leave it; what is not needed for gas comes back, deposits stay`)
  if (wanted) await carryOut(plan)
  else console.log('Nothing was sent. Add --send to do it.')
}

try {
  await main()
} catch (error) {
  if (!(error instanceof PlanError)) throw error
  console.error(error.message)
  process.exitCode = 2
}
