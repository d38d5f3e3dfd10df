import type { Bytes } from '@cocoon/protocol'

/**
 * What a development build pins, and no production build ever does. Copied as literals into
 * `protocol/src/appraisal/pins/development.ts`; a test keeps the two equal. The roots' bytes are fixed, since they are
 * compared byte for byte.
 */
const der = (lines: readonly string[]): Bytes => Uint8Array.from(atob(lines.join('')), (char) => char.charCodeAt(0))

/** Stands in for Intel's SGX root CA. DER, base64. */
export const INTEL_ROOT_LINES = [
  'MIICaTCCAg6gAwIBAgIUQN7AAAAAAAAAAAAAAAAAAAAAAAEwCgYIKoZIzj0EAwIwVTEaMBgGA1UEAwwRSW50ZWwgU0dYIFJvb3Qg',
  'Q0ExKjAoBgNVBAoMIUNvY29vbiBkZXZlbG9wbWVudCwgd29ydGggbm90aGluZzELMAkGA1UEBhMCWFgwHhcNMjUwMTAxMDAwMDAw',
  'WhcNNDkxMjMxMjM1OTU5WjBVMRowGAYDVQQDDBFJbnRlbCBTR1ggUm9vdCBDQTEqMCgGA1UECgwhQ29jb29uIGRldmVsb3BtZW50',
  'LCB3b3J0aCBub3RoaW5nMQswCQYDVQQGEwJYWDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABK2Hz1ju8N6ir/qaOnIs3RETPaeu',
  'jiXhWfXicy/EKUJRlKiDFIBG+TgoeXpccRIfby0r2gDwv2+msCtHRX5ueZKjgbswgbgwHQYDVR0OBBYEFHPR2IGYuasedwD6O9Br',
  'M22tCmvvMB8GA1UdIwQYMBaAFHPR2IGYuasedwD6O9BrM22tCmvvMFIGA1UdHwRLMEkwR6BFoEOGQWh0dHBzOi8vY2VydGlmaWNh',
  'dGVzLnRydXN0ZWRzZXJ2aWNlcy5pbnRlbC5jb20vSW50ZWxTR1hSb290Q0EuZGVyMA4GA1UdDwEB/wQEAwIBBjASBgNVHRMBAf8E',
  'CDAGAQH/AgEBMAoGCCqGSM49BAMCA0kAMEYCIQCCVS8k7hCrnmf0SiQX/HRjQmAHwmjVjfMLqEoChISXzwIhAKter9KqWe2NtYWM',
  '0ecxZuLlTDIUGko9sEQAtatuCYn6',
]

/** Stands in for NVIDIA's device identity CA. DER, base64. */
export const NVIDIA_ROOT_LINES = [
  'MIICQzCCAcigAwIBAgIUQN7AAAAAAAAAAAAAAAAAAAAAAJAwCgYIKoZIzj0EAwMwUDEiMCAGA1UEAwwZTlZJRElBIERldmljZSBJ',
  'ZGVudGl0eSBDQTEqMCgGA1UECgwhQ29jb29uIGRldmVsb3BtZW50LCB3b3J0aCBub3RoaW5nMB4XDTI1MDEwMTAwMDAwMFoXDTQ5',
  'MTIzMTIzNTk1OVowUDEiMCAGA1UEAwwZTlZJRElBIERldmljZSBJZGVudGl0eSBDQTEqMCgGA1UECgwhQ29jb29uIGRldmVsb3Bt',
  'ZW50LCB3b3J0aCBub3RoaW5nMHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEO/+PaCONV1nHfn7pcCp8FvWxYoHSo3Q1y8eG8teWaEHo',
  'iarJd6taz1jQv1nL2VSyKldDyF0T26RIt1blB63EI2iJaCh6iz9bD+OgPcmcGN/1EiiE7NqSfFQ9oUrYxSsZo2MwYTAdBgNVHQ4E',
  'FgQUHUwcEXtfqdQA+JyB5eFwa5p/ZkQwHwYDVR0jBBgwFoAUHUwcEXtfqdQA+JyB5eFwa5p/ZkQwDgYDVR0PAQH/BAQDAgEGMA8G',
  'A1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwMDaQAwZgIxAJF4XYrVfiDGHgmrX/tptZ9WcwV6kQvnzJskblvfTZhlCd2JcB6IqES9',
  'S87sHVqaugIxAI6pj6e6QIqf9jX59YnzgSpL9/2xh3aquc17aJsNHQJqQ4BgXHy5cfrjPxrWzEvKmw==',
]

/** Stands in for AMD's ARK of the product Genoa. DER, base64. */
export const AMD_ROOT_LINES = [
  'MIIGVjCCBAWgAwIBAgIDAQAAMEYGCSqGSIb3DQEBCjA5oA8wDQYJYIZIAWUDBAICBQChHDAaBgkqhkiG9w0BAQgwDQYJYIZIAWUD',
  'BAICBQCiAwIBMKMDAgEBMGMxFDASBgNVBAsMC0VuZ2luZWVyaW5nMQswCQYDVQQGEwJYWDEqMCgGA1UECgwhQ29jb29uIGRldmVs',
  'b3BtZW50LCB3b3J0aCBub3RoaW5nMRIwEAYDVQQDDAlBUkstR2Vub2EwHhcNMjUwMTAxMDAwMDAwWhcNNDkxMjMxMjM1OTU5WjBj',
  'MRQwEgYDVQQLDAtFbmdpbmVlcmluZzELMAkGA1UEBhMCWFgxKjAoBgNVBAoMIUNvY29vbiBkZXZlbG9wbWVudCwgd29ydGggbm90',
  'aGluZzESMBAGA1UEAwwJQVJLLUdlbm9hMIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEA63BVKVbdXMRpUBrm607Y8/mT',
  'AMcoG0Ydvel28IzSeIy6f/GEpF9PAcpFlpyevGQZue2n4KoxNc6ZQ0+I6thqEYFXy8iI84DBE7ZrA2Ij2RAz7rZNfuHxl0UBQsoh',
  'M4CuoPhBtxjG9R9yRxUsvYc2/7BbpETCNV29YHTKFXECKU3BBYf78p9CV5G3v6FXELPsyuUxVQSq2VngZuKSRfVYOtI70215qLHV',
  'tsCMBbbTHPiRXMhQ/JrSFcEg5KeBdOC5l0uQYLZTbd9NpQ9Pu5X/RN66+JLWy0ktFLTNQXdIfBuMh0aX4Caec6O0tnbZWH4ow+hE',
  'bwBWpyOwSnOKMfkUbRRk2Y5gjZQHCl8rh3mUjhkaTQdWcxnZIFCerpVqvJa2nP8U3HwfL7t+EknZL7GFvPHZgWew/583AqUTt/cP',
  '8KIRoCPlAd8vJJl0y++vQwqiMLGd2+sWyjIOC60sw7BkpSlpYO2HwIpA6cTRs1YA3s/wIGviN+7b8FlPsHEND88/P0SHDiHr405+',
  'GYJZJEbflFFFWOqRM5RMPURu72a0knn/xpXo7By2ESUoDevxzxWYLk2jJsw3flBmFDLL/FYdCRugCmlw+9R4w5krgHeIR8nQ4d78',
  'uriCEYYjfDLYigdvOrmkmKZwVq4Ld6ovy0TjI49NHR1astHkN+8MZZc4Yq0CAwEAAaOBoDCBnTAdBgNVHQ4EFgQUpuQCKUz26JC7',
  '03oQwlJdXwjBrWgwHwYDVR0jBBgwFoAUpuQCKUz26JC703oQwlJdXwjBrWgwOgYDVR0fBDMwMTAvoC2gK4YpaHR0cHM6Ly9rZHNp',
  'bnRmLmFtZC5jb20vdmNlay92MS9HZW5vYS9jcmwwDgYDVR0PAQH/BAQDAgEGMA8GA1UdEwEB/wQFMAMBAf8wRgYJKoZIhvcNAQEK',
  'MDmgDzANBglghkgBZQMEAgIFAKEcMBoGCSqGSIb3DQEBCDANBglghkgBZQMEAgIFAKIDAgEwowMCAQEDggIBAM8wUXWTJpdEjYgp',
  '5rchuRIUiJQu3KLZ1WynW3/fHDc+vbOmY7p/tVERMx5Z4jRMeGfFERyk6sh3sXaUXS+jEJ2HXvKstFFHb4QvqmDQO+uFxLO9hUj6',
  'gR+onVDBPoRFrRDe2thChQ9qhkE6m/sDWUeBp3C+4pjAOstWW5EdFUT5Zt2gYiP8yAyGp9Sh+Ou/tquLe/v6GWJq+JNsR4CPubAk',
  '1svnTvCU040e3d5FQL/wpo4ruIuOwIjx3JR/c4Gu7T00PPcIRuY0+IbIWCTbi7p8iF2DQO+bS3GuWVz1plGc5DOZeapz/JENj7yl',
  'KSOI86aXTlv8SzsW+pB1dvKW8JOpntzC8USH7fFQm907vMapB2SJyBL3rR+hDtKhuJCEqGG6Yi5CxAMrANzRC51cxrFWJ+E3x7pT',
  '8M8lQ0hq5sT0UVKt8XNB2/UfJS3rESxj5yc8/RXEDth1FOgNpMoT48cFGJCEHglv2hvkxybc9GYgjtNQ/QUboZIrUzDFZwlBqHt0',
  'Hupemo95TQkQdpozu0LcoNOBOu3IpH9YnkSadvgEz7tU4mqDZI+ol9zowgmaFszDFp3gkbSDKBJMoxLqzd+7ZM2hWuV3Pfjk0XGy',
  'h9fkLCMHsB/vbGV6dr7OBVnM3lclPKh3mO7k13UkrupgzsmpL31m6gRejRUw3iwd6Xz/',
]

export const intelRoot = der(INTEL_ROOT_LINES)
export const nvidiaRoot = der(NVIDIA_ROOT_LINES)
export const amdRoot = der(AMD_ROOT_LINES)

/** SHA-256 of `amdRoot`, hex: AMD has a root for each product line, and pins name them by digest. */
export const amdRootDigest = 'beaca8251e3052007beb5688d5e06242f591d51eeb4e9ab3cb42f84aba4dd89a'
export const AMD_ROOT_PRODUCT = 'Genoa'

/** Ed25519 keys, hex. Two of the three owners sign a registry. */
export const registryOwners = [
  '335a3c4efcad710ee666b3a64101760c80b42999f226f9c916245f56a703cd07',
  '13657ab4cebb50868012d7d6e3fcef93b127358bd9145cf0cffcf4e64192e852',
  '0a49be0ff5dfe190179350ef28c8d4c2cde95ab68396ec97845af821b270c54c',
] as const
export const REGISTRY_THRESHOLD = 2
/** Signs stamps; named in the registry statement, not pinned. */
export const stampKey = '86495912ed0d8a07878021f30d1c25885725e7a20f4932a8afecd2e1568984a1'
