using System.Globalization;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Control.Bridges;

/// <summary>Reads what bonds and LACP are wanted out of a port's columns (OVS <c>port_configure_bond</c>, <c>port_configure_lacp</c>).</summary>
internal static class BondReader
{
    /// <summary>Whether a port is a bond, or speaks LACP.</summary>
    public static bool IsWanted(PortConfig port) => port.Interfaces.Count > 1 || port.Lacp is "active" or "passive";

    /// <summary>Reads it.</summary>
    /// <param name="port">The port.</param>
    /// <param name="bridgeMac">Address of its bridge, which LACP gives for the system.</param>
    /// <param name="warn">Takes lines about what makes no sense.</param>
    public static BondOptions Read(PortConfig port, ulong bridgeMac, Action<string> warn)
    {
        BondMode mode = port.BondMode switch
        {
            null or "active-backup" => BondMode.ActiveBackup,
            "balance-slb" => BondMode.BalanceSlb,
            "balance-tcp" => BondMode.BalanceTcp,
            _ => Unknown(),
        };
        bool fallsBack = port.OtherConfig.GetValueOrDefault("lacp-fallback-ab") == "true";
        return new BondOptions
        {
            Mode = mode,
            UpDelayMs = Math.Max(0, port.BondUpDelayMs),
            DownDelayMs = Math.Max(0, port.BondDownDelayMs),
            Basis = (uint)Number(port.OtherConfig, "bond-hash-basis", 0, uint.MaxValue, 0),
            RebalanceMs = RebalanceOf(port),
            AllActive = port.OtherConfig.GetValueOrDefault("all-members-active") == "true",
            Primary = mode == BondMode.ActiveBackup || fallsBack ? port.OtherConfig.GetValueOrDefault("bond-primary") : null,
            ActiveBefore = MacText.Parse(port.BondActiveBefore),
            Lacp = port.Lacp is "active" or "passive" ? LacpOf(port, bridgeMac, fallsBack, warn) : null,
        };

        BondMode Unknown()
        {
            warn($"port {port.Name}: unknown bond_mode {port.BondMode}, defaulting to active-backup");
            return BondMode.ActiveBackup;
        }
    }

    /// <summary>LACP of a member.</summary>
    public static LacpMemberOptions MemberOf(InterfaceConfig member, int ofport)
    {
        ushort id = (ushort)Number(member.OtherConfig, "lacp-port-id", 1, ushort.MaxValue, ofport);
        ushort priority = (ushort)Number(member.OtherConfig, "lacp-port-priority", 1, ushort.MaxValue, ushort.MaxValue);
        return new LacpMemberOptions(member.Name, id, priority, (ushort)Number(member.OtherConfig, "lacp-aggregation-key", 0, ushort.MaxValue, 0));
    }

    private static LacpOptions? LacpOf(PortConfig port, ulong bridgeMac, bool fallsBack, Action<string> warn)
    {
        ulong id = bridgeMac;
        if (port.OtherConfig.TryGetValue("lacp-system-id", out string? text))
        {
            if (MacText.ParseAny(text) is not { } asked)
            {
                warn($"port {port.Name}: LACP system ID ({text}) must be an Ethernet address.");
                return null;
            }

            id = asked;
        }

        if (id == 0)
        {
            warn($"port {port.Name}: Invalid zero LACP system ID.");
            return null;
        }

        // Links that can be one are preferred to those that cannot.
        long byDefault = ushort.MaxValue - (port.Interfaces.Count > 1 ? 1 : 0);
        return new LacpOptions
        {
            IsActive = port.Lacp == "active",
            SystemId = id,
            SystemPriority = (ushort)Number(port.OtherConfig, "lacp-system-priority", 1, ushort.MaxValue, byDefault),
            IsFast = string.Equals(port.OtherConfig.GetValueOrDefault("lacp-time"), "fast", StringComparison.OrdinalIgnoreCase),
            FallsBack = fallsBack,
        };
    }

    private static int RebalanceOf(PortConfig port)
    {
        const int least = 1000;
        int ms = (int)Number(port.OtherConfig, "bond-rebalance-interval", int.MinValue, int.MaxValue, BondOptions.DefaultRebalanceMs);
        return ms == 0 ? 0 : Math.Max(ms, least);
    }

    private static long Number(IReadOnlyDictionary<string, string> column, string key, long least, long most, long otherwise)
        => column.TryGetValue(key, out string? text) && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) && number >= least && number <= most ? number : otherwise;
}
