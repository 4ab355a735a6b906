// What an error of ClickHouse's, or on the way to it, asks for: try again, take the data apart, or call somebody.

/** `world`: try again, the same bytes; `data`: these bytes will never be taken; `config`: a person has to act. */
export type ErrorKind = 'world' | 'data' | 'config'

export class ClickHouseError extends Error {
  override readonly name = 'ClickHouseError'
  readonly kind: ErrorKind
  /** ClickHouse's error code; null when no answer of ClickHouse's was read. */
  readonly code: number | null

  constructor(kind: ErrorKind, code: number | null, message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
    this.code = code
  }
}

/** The data itself cannot be stored. Source: ClickHouse src/Common/ErrorCodes.cpp, 26.7; a test asks the engine for the names. */
export const dataCodes: Readonly<Record<number, string>> = {
  6: 'CANNOT_PARSE_TEXT',
  26: 'CANNOT_PARSE_QUOTED_STRING',
  27: 'CANNOT_PARSE_INPUT_ASSERTION_FAILED',
  33: 'CANNOT_READ_ALL_DATA',
  38: 'CANNOT_PARSE_DATE',
  41: 'CANNOT_PARSE_DATETIME',
  53: 'TYPE_MISMATCH',
  69: 'ARGUMENT_OUT_OF_BOUND',
  70: 'CANNOT_CONVERT_TYPE',
  72: 'CANNOT_PARSE_NUMBER',
  117: 'INCORRECT_DATA',
  131: 'TOO_LARGE_STRING_SIZE',
  190: 'SIZES_OF_ARRAYS_DONT_MATCH',
  248: 'INVALID_PARTITION_VALUE',
  321: 'VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE',
  349: 'CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN',
  407: 'DECIMAL_OVERFLOW',
  441: 'CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING',
  469: 'VIOLATED_CONSTRAINT',
}

/** Waits for somebody to change a setting, a grant or the schema. */
export const configCodes: Readonly<Record<number, string>> = {
  8: 'THERE_IS_NO_COLUMN',
  10: 'NOT_FOUND_COLUMN_IN_BLOCK',
  16: 'NO_SUCH_COLUMN_IN_TABLE',
  20: 'NUMBER_OF_COLUMNS_DOESNT_MATCH',
  36: 'BAD_ARGUMENTS',
  47: 'UNKNOWN_IDENTIFIER',
  60: 'UNKNOWN_TABLE',
  62: 'SYNTAX_ERROR',
  81: 'UNKNOWN_DATABASE',
  115: 'UNKNOWN_SETTING',
  164: 'READONLY',
  192: 'UNKNOWN_USER',
  193: 'WRONG_PASSWORD',
  194: 'REQUIRED_PASSWORD',
  195: 'IP_ADDRESS_NOT_ALLOWED',
  291: 'DATABASE_ACCESS_DENIED',
  452: 'SETTING_CONSTRAINT_VIOLATION',
  497: 'ACCESS_DENIED',
  516: 'AUTHENTICATION_FAILED',
  701: 'CLUSTER_DOESNT_EXIST',
}

const messageCharsMax = 2000

/** The error of an answer that is not a success. `text` may be cut, and may be some proxy's instead of ClickHouse's. */
export function answerError(status: number, codeHeader: string | undefined, text: string): ClickHouseError {
  const code = Number(codeHeader ?? /^Code: (\d+)\./.exec(text)?.[1] ?? Number.NaN)
  if (!Number.isInteger(code)) {
    const said = text.trim().slice(0, 300)
    return new ClickHouseError(statusKind(status), null, `no answer of ClickHouse's but HTTP ${status}: ${said}`)
  }
  const said = text.replace(/^Code: \d+\. DB::Exception: /, '').replace(/ \(version [^)]*\)\s*$/, '')
  return new ClickHouseError(codeKind(code, text), code, `ClickHouse ${code}: ${said.slice(0, messageCharsMax)}`)
}

/** The error of a request that got no answer: what became of it is not known. */
export function requestError(error: unknown): ClickHouseError {
  if (error instanceof ClickHouseError) return error
  const { code, message } = innermost(error)
  const kind: ErrorKind =
    code !== undefined && /^(CERT_|ERR_TLS_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/.test(code) ? 'config' : 'world'
  return new ClickHouseError(kind, null, `ClickHouse did not answer: ${message.slice(0, 500)}`, { cause: error })
}

function codeKind(code: number, text: string): ErrorKind {
  // 252 is "too many parts", which merges cure, and also "too many partitions for single INSERT block", which nothing does.
  if (code === 252) return /partitions for single/i.test(text) ? 'data' : 'world'
  if (code in dataCodes) return 'data'
  return code in configCodes ? 'config' : 'world'
}

/** Of a proxy, or of something that is no ClickHouse. Too large a body is taken apart like bad data. */
function statusKind(status: number): ErrorKind {
  if (status === 413) return 'data'
  return status >= 500 || status === 408 || status === 425 || status === 429 ? 'world' : 'config'
}

/** A host with several addresses fails with an AggregateError that says nothing itself. */
function innermost(error: unknown): { code: string | undefined; message: string } {
  if (error instanceof AggregateError && error.errors.length > 0) return innermost(error.errors[0])
  if (!(error instanceof Error)) return { code: undefined, message: String(error) }
  const { code } = error as NodeJS.ErrnoException
  return { code, message: error.message || code || error.name }
}
