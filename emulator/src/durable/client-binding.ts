/**
 * The JSON of a durableClient input binding: where durable-functions sends its calls (BindingHelper and HttpApiHandler of the
 * Durable extension).
 */
export interface ClientAddresses {
  /** http://host:port, as callers reach the app. */
  publicOrigin: string;
  /** Loopback only, needs no key. */
  rpcBaseUrl: string;
  hubName: string;
  /** Durable's system key, when the host asks for keys. */
  systemKey: string | undefined;
}

const INSTANCE_ID = "INSTANCEID";

export function durableClientJson(addresses: ClientAddresses): string {
  const { hubName, systemKey, rpcBaseUrl } = addresses;
  const baseUrl = webhookBase(addresses);
  const code = systemKey === undefined ? "" : `code=${systemKey}`;
  return JSON.stringify({
    taskHubName: hubName,
    creationUrls: {
      createNewInstancePostUri: `${baseUrl}/orchestrators/{functionName}[/{instanceId}]?${code}`,
      createAndWaitOnNewInstancePostUri: `${baseUrl}/orchestrators/{functionName}[/{instanceId}]?timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}&${code}`,
    },
    managementUrls: managementUrls(addresses, INSTANCE_ID),
    baseUrl,
    requiredQueryStringParameters: code,
    rpcBaseUrl,
  });
}

/** The links that tell a caller how to follow and steer an instance. */
export function managementUrls(addresses: ClientAddresses, instanceId: string): Record<string, string> {
  const { hubName, systemKey } = addresses;
  const instance = `${webhookBase(addresses)}/instances/${encodeURIComponent(instanceId)}`;
  const query = `taskHub=${hubName}&connection=Storage${systemKey === undefined ? "" : `&code=${systemKey}`}`;
  return {
    id: instanceId,
    statusQueryGetUri: `${instance}?${query}`,
    sendEventPostUri: `${instance}/raiseEvent/{eventName}?${query}`,
    terminatePostUri: `${instance}/terminate?reason={text}&${query}`,
    rewindPostUri: `${instance}/rewind?reason={text}&${query}`,
    purgeHistoryDeleteUri: `${instance}?${query}`,
    restartPostUri: `${instance}/restart?${query}`,
    suspendPostUri: `${instance}/suspend?reason={text}&${query}`,
    resumePostUri: `${instance}/resume?reason={text}&${query}`,
  };
}

function webhookBase({ publicOrigin }: ClientAddresses): string {
  return `${publicOrigin}/runtime/webhooks/durabletask`;
}
