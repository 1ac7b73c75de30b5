/*
 * base/log: one line to standard error: "signet-core: warning: text".
 * For people who run the server in the foreground or read the journal; what
 * must be kept goes to the ledger. Foreign text is escaped.
 */
#ifndef SIGNET_BASE_LOG_H
#define SIGNET_BASE_LOG_H

enum log_level { LOG_ERROR = 1, LOG_WARNING, LOG_NOTICE, LOG_DETAIL };

/* log_open(program, level): level is the most detailed one still shown */
void log_open(const char *program, enum log_level level);
void log_line(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
