import { createHmac } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Stands in for Telegram on a development machine: it opens the Mini App as Telegram would. Not a real token. */
export const TEST_BOT_TOKEN = '1000000001:localnet-only-not-a-real-bot-token-0'

export interface TestUser {
  readonly id: number
  readonly first_name: string
  readonly language_code: string
}
export const testUser: TestUser = { id: 1001, first_name: 'Ada', language_code: 'en' }

/** Init data signed as Telegram signs it (core.telegram.org/bots/webapps). `authDate` in Unix seconds. */
export function signInitData(user: TestUser, authDate: number, botToken = TEST_BOT_TOKEN): string {
  const fields = new URLSearchParams({
    user: JSON.stringify(user),
    auth_date: String(authDate),
    query_id: `localnet-${authDate}-${Math.random().toString(36).slice(2)}`,
  })
  const lines = [...fields].map(([name, value]) => `${name}=${value}`).sort()
  const key = createHmac('sha256', 'WebAppData').update(botToken).digest()
  fields.set('hash', createHmac('sha256', key).update(lines.join('\n')).digest('hex'))
  return fields.toString()
}

/** Telegram's own default palettes. */
const themes = {
  light: {
    bg_color: '#ffffff',
    text_color: '#000000',
    hint_color: '#999999',
    link_color: '#168acd',
    button_color: '#40a7e3',
    button_text_color: '#ffffff',
    secondary_bg_color: '#f1f1f1',
    header_bg_color: '#ffffff',
    bottom_bar_bg_color: '#f1f1f1',
    accent_text_color: '#168acd',
    section_bg_color: '#ffffff',
    section_header_text_color: '#168acd',
    section_separator_color: '#e7e7e7',
    subtitle_text_color: '#999999',
    destructive_text_color: '#d14e4e',
  },
  dark: {
    bg_color: '#17212b',
    text_color: '#f5f5f5',
    hint_color: '#708499',
    link_color: '#6ab3f3',
    button_color: '#5288c1',
    button_text_color: '#ffffff',
    secondary_bg_color: '#232e3c',
    header_bg_color: '#17212b',
    bottom_bar_bg_color: '#17212b',
    accent_text_color: '#6ab2f2',
    section_bg_color: '#17212b',
    section_header_text_color: '#6ab3f3',
    section_separator_color: '#111921',
    subtitle_text_color: '#708499',
    destructive_text_color: '#ec3942',
  },
} as const

/** The address Telegram would open: launch parameters travel in the fragment, which no server sees. */
export function launchUrl(
  app: string,
  user: TestUser,
  theme: 'light' | 'dark',
  nowSeconds: number,
  start = '',
): string {
  const fragment = new URLSearchParams({
    tgWebAppData: signInitData(user, nowSeconds),
    tgWebAppVersion: '9.6',
    tgWebAppPlatform: 'web',
    tgWebAppThemeParams: JSON.stringify(themes[theme]),
    ...(start === '' ? {} : { tgWebAppStartParam: start }),
  })
  return `${app}/#${fragment}`
}

/** A door that redirects to the Mini App (`user`, `theme`, `language` and `start` choose how) with fresh init data, which is good for five minutes and one sign-in. */
export async function serveTelegram(app: string): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? '/', 'http://localhost').searchParams
    const id = Number(query.get('user') ?? testUser.id)
    const language_code = query.get('language') ?? testUser.language_code
    const user = { ...testUser, language_code, ...(Number.isSafeInteger(id) && id > 0 ? { id } : {}) }
    const theme = query.get('theme') === 'dark' ? 'dark' : 'light'
    const location = launchUrl(app, user, theme, Math.floor(Date.now() / 1000), query.get('start') ?? '')
    response.writeHead(302, { location, 'cache-control': 'no-store' }).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}
