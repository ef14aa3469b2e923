namespace Mergeflow.Engine.Conntrack;

/// <summary>Application-level gateways (OVS <c>enum ct_alg_ctl_type</c>).</summary>
internal enum CtAlg : byte
{
    None,

    /// <summary>RFC 959.</summary>
    Ftp,

    /// <summary>RFC 1350.</summary>
    Tftp,
}
