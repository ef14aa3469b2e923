namespace Mergeflow.Engine.Conntrack;

/// <summary>What a packet means to its connection (OVS <c>enum ct_update_res</c>).</summary>
internal enum CtUpdate : byte
{
    Invalid,
    Valid,

    /// <summary>The packet begins another connection with the same tuple.</summary>
    New,

    /// <summary>It belongs to the connection, which is not established yet.</summary>
    ValidNew,
}
