using System.Globalization;
using Mergeflow.Control.Ovsdb;
using Mergeflow.Engine.Conntrack;

namespace Mergeflow.Control.Bridges;

/// <summary>How long connections of zones may be silent, by type of datapath (OVS <c>CT_Zone</c>, <c>CT_Timeout_Policy</c>). A connection is under the policy that its zone has when it begins.</summary>
public sealed class ZoneTimeouts
{
    private readonly Dictionary<string, SortedDictionary<ushort, Dictionary<CtTimeout, uint>>> _byType = new(StringComparer.Ordinal);

    /// <summary>Zones of a type of datapath that have a policy, with the seconds that it says.</summary>
    public IReadOnlyDictionary<ushort, Dictionary<CtTimeout, uint>> Of(string datapathType) => _byType.GetValueOrDefault(datapathType) ?? [];

    /// <summary>Reads what the database says; zones that are none are left out.</summary>
    /// <param name="replica">The database.</param>
    /// <param name="root">Row of <c>Open_vSwitch</c>.</param>
    public static ZoneTimeouts Read(OvsdbReplica replica, OvsdbRow root)
    {
        ZoneTimeouts all = new();
        OvsdbDatum datapaths = root["datapaths"];
        for (int i = 0; i < datapaths.Count; i++)
        {
            if (replica.Find(VswitchTables.Datapath.Name, datapaths.Values[i].Uuid) is not { } datapath) continue;
            SortedDictionary<ushort, Dictionary<CtTimeout, uint>> zones = [];
            OvsdbDatum rows = datapath["ct_zones"];
            for (int j = 0; j < rows.Count; j++)
            {
                if (rows.Keys[j].Integer is not (>= 0 and <= ushort.MaxValue and { } zone) || replica.Find("CT_Zone", rows.Values[j].Uuid) is not { } row) continue;
                if (row.References("timeout_policy") is [var id, ..] && replica.Find("CT_Timeout_Policy", id) is { } policy) zones[(ushort)zone] = Seconds(policy["timeouts"]);
            }

            all._byType[datapaths.Keys[i].Text] = zones;
        }

        return all;
    }

    /// <summary>Makes a tracker so.</summary>
    /// <param name="tracker">Of a bridge.</param>
    /// <param name="datapathType">Of that bridge.</param>
    /// <param name="before">As it was made last; null = it is new.</param>
    /// <param name="warn">Takes a line where there is no room.</param>
    public void Apply(ConnTracker tracker, string datapathType, ZoneTimeouts? before, Action<string> warn)
    {
        ArgumentNullException.ThrowIfNull(tracker);
        ArgumentNullException.ThrowIfNull(warn);
        IReadOnlyDictionary<ushort, Dictionary<CtTimeout, uint>> zones = Of(datapathType);
        foreach (ushort gone in before?.Of(datapathType).Keys.Where(z => !zones.ContainsKey(z)) ?? [])
        {
            tracker.SetZoneTimeouts(gone, 0);
            tracker.RemoveTimeoutPolicy(IdOf(gone));
        }

        foreach ((ushort zone, Dictionary<CtTimeout, uint> seconds) in zones)
        {
            try
            {
                tracker.SetTimeoutPolicy(new CtTimeoutPolicy(IdOf(zone), seconds));
                tracker.SetZoneTimeouts(zone, IdOf(zone));
            }
            catch (ArgumentException e)
            {
                warn(string.Create(CultureInfo.InvariantCulture, $"zone {zone}: {e.Message}"));
                return;
            }
        }
    }

    /// <summary>Each zone has a policy of its own, so that what is said of it holds for its connections at once.</summary>
    private static uint IdOf(ushort zone) => zone + 1u;

    private static Dictionary<CtTimeout, uint> Seconds(OvsdbDatum timeouts)
    {
        Dictionary<CtTimeout, uint> seconds = [];
        for (int i = 0; i < timeouts.Count; i++)
        {
            if (TimeoutOf(timeouts.Keys[i].Text) is { } timeout) seconds[timeout] = (uint)Math.Clamp(timeouts.Values[i].Integer, 0, uint.MaxValue);
        }

        return seconds;
    }

    /// <summary>What the user-space datapath makes of a name; null = it has no such timeout.</summary>
    private static CtTimeout? TimeoutOf(string name) => name switch
    {
        "tcp_syn_sent" => CtTimeout.TcpFirstPacket,
        "tcp_syn_recv" => CtTimeout.TcpOpening,
        "tcp_established" => CtTimeout.TcpEstablished,
        "tcp_fin_wait" => CtTimeout.TcpClosing,
        "tcp_time_wait" => CtTimeout.TcpFinWait,
        "tcp_close" => CtTimeout.TcpClosed,
        "udp_first" => CtTimeout.OtherFirst,
        "udp_single" => CtTimeout.OtherMultiple,
        "udp_multiple" => CtTimeout.OtherBidir,
        "icmp_first" => CtTimeout.IcmpFirst,
        "icmp_reply" => CtTimeout.IcmpReply,
        _ => null,
    };
}
