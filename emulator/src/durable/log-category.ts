/** What host.json's logging.logLevel calls the Durable engine. */
export const LOG_CATEGORY = "Host.Triggers.DurableTask";
