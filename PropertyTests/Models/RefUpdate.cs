namespace Mergeflow.PropertyTests;

/// <summary>What a packet does to its connection (OVS <c>enum ct_update_res</c>).</summary>
internal enum RefUpdate
{
    Invalid,
    Valid,
    ValidNew,
    New,
}
