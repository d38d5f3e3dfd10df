export { Account } from './account.ts'
export { Matcher } from './matcher.ts'
export { NodeRelay } from './node-relay.ts'
export { app as default } from './app.ts'
