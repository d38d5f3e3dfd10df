/** The door of `@cocoon/localnet/chain`: a TON chain for development. Never in a production bundle. */
export { Chain, type ChainOptions, FAUCET, FINALITY, NotAccepted, type Pace } from './chain.ts'
export { ChainControl, type ChainStatus } from './control.ts'
export {
  type Announcement,
  brokerSigner,
  deploy,
  type Deployment,
  developmentSeed,
  type Party,
  partyWallet,
} from './deployment.ts'
export { type Fault, Faults } from './faults.ts'
export { type Block, type Executed, Ledger, normalizedHash } from './ledger.ts'
export { type Order, ordered } from './order.ts'
export { chainConfig } from './prices.ts'
export { Rpc, RpcError } from './rpc.ts'
export { type ChainServer, serveChain } from './server.ts'
export { crc32, type DataToSign, dataHash, proofHash } from './ton-connect.ts'
export { messageCell, type Transfer, Wallet, type WalletChain } from './w5.ts'
export { type InjectedWallet, injectWallet } from './wallet.ts'
export { type Mood, WalletApp, type WalletAppOptions } from './wallet-app.ts'
export { ChannelWalk } from './walk.ts'
