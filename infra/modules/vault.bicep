// The key that seals the servers' passwords.
param name string
param location string
param tags object
param appPrincipalId string
param deployerPrincipalId string
param publicAccess bool
@secure()
param secretsKeySeeds object

var secretsUser = '4633458b-17de-408a-b874-0445c86b69e6'
var secretsOfficer = 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'

// 32 bytes in base64: 43 characters, of which the last has two idle bits, and the padding. A template knows no random bytes,
// but GUIDs; their digits are legal base64. Without the digits that tell a GUID's version that is 160 random bits and more.
var digits = replace('${secretsKeySeeds.one}${secretsKeySeeds.two}${secretsKeySeeds.three}', '-', '')
var secretsKey = '${take(toLower(digits), 42)}A='

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    enablePurgeProtection: true
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    networkAcls: { defaultAction: publicAccess ? 'Allow' : 'Deny', bypass: 'AzureServices' }
  }
}

// Never written again: with another key, running migrations could not open their passwords.
@onlyIfNotExists()
resource key 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'secrets-key'
  properties: { value: secretsKey, contentType: 'base64 of 32 bytes' }
}

resource appMayRead 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, appPrincipalId, secretsUser)
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsUser)
  }
}

// For the rotation of the key.
resource deployerMayWrite 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (deployerPrincipalId != '') {
  scope: vault
  name: guid(vault.id, deployerPrincipalId, secretsOfficer)
  properties: {
    principalId: deployerPrincipalId
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsOfficer)
  }
}

output id string = vault.id
output name string = vault.name
output sealingKeyUri string = '${vault.properties.vaultUri}secrets/secrets-key'
