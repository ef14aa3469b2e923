namespace Mergeflow.Nic;

/// <summary>IPv4 header whose lengths are sane (<c>RTE_FLOW_ITEM_TYPE_IPV4</c>).</summary>
public sealed record FlowItemIpv4 : FlowItem
{
    /// <inheritdoc/>
    public override string Name => "ipv4";

    /// <summary>Source.</summary>
    public Masked<uint> Src { get; init; }

    /// <summary>Destination.</summary>
    public Masked<uint> Dst { get; init; }

    /// <summary>Protocol.</summary>
    public Masked<byte> Proto { get; init; }

    /// <summary>DSCP and ECN.</summary>
    public Masked<byte> Tos { get; init; }

    /// <summary>Time to live.</summary>
    public Masked<byte> Ttl { get; init; }

    /// <summary>Two bits: 1 = any fragment, 2 = not the first one. 0/3 = not fragmented.</summary>
    public Masked<byte> Frag { get; init; }
}
