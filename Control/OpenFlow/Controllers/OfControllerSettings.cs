namespace Mergeflow.Control.OpenFlow;

/// <summary>How the connections of a controller are treated (OVS <c>struct ofproto_controller</c>).</summary>
public sealed record OfControllerSettings
{
    /// <summary>All versions from 1.0 to 1.5: bit n = version n.</summary>
    public const uint AllVersions = 0b111_1110;

    /// <summary>Class selector 6 in a DSCP field (OVS <c>DSCP_DEFAULT</c>).</summary>
    public const int DefaultDscp = 48;

    /// <summary>It is not the one that has the switch: without it the switch is not on its own, and it is told of nothing unless it has asked (OVS <c>OFCONN_SERVICE</c>).</summary>
    public bool IsService { get; init; }

    /// <summary>It is told of what happens before it has asked.</summary>
    public bool HasAsyncMessages { get; init; } = true;

    /// <summary>Versions that it may speak: bit n = version n.</summary>
    public uint Versions { get; init; } = AllVersions;

    /// <summary>Longest wait between two attempts to connect.</summary>
    public int MaxBackoffMs { get; init; } = 8000;

    /// <summary>Silence after which it is asked whether it is there, and after which as much again the connection ends; 0 = never.</summary>
    public int ProbeMs { get; init; } = 5000;

    /// <summary>Packets that may wait to be sent.</summary>
    public int QueueLength { get; init; } = 100;

    /// <summary>Packets per second, of each kind (misses, others); 0 = any number.</summary>
    public int RateLimit { get; init; }

    /// <summary>Packets that may come at once; 0 = a quarter of <see cref="RateLimit"/>.</summary>
    public int BurstLimit { get; init; }

    /// <summary>Of the IP packets that carry the connection.</summary>
    public int Dscp { get; init; } = DefaultDscp;

    /// <summary>Versions by their names in the database (<c>OpenFlow13</c>); none = all.</summary>
    public static uint VersionsOf(IEnumerable<string> names)
    {
        uint versions = 0;
        foreach (string name in names)
        {
            if (name.Length == 10 && name.StartsWith("OpenFlow1", StringComparison.Ordinal) && name[9] is >= '0' and <= '5') versions |= 2u << (name[9] - '0');
        }

        return versions == 0 ? AllVersions : versions;
    }
}
