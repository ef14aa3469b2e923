using System.Globalization;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Runtime;
using Mergeflow.Engine.Text;

namespace Mergeflow.Control.Bridges;

/// <summary>The datapath that all bridges of a kind have in common, on threads, with its live ports (OVS <c>struct dpif_backer</c>). For the thread that makes bridges, unless said otherwise.</summary>
public sealed class LiveDatapath : IDisposable
{
    private readonly Dictionary<uint, (TunnelVport Port, int Sharers)> _tunnels = [];
    private volatile KeyValuePair<uint, string>[] _names = [];
    private PortNames? _numbersByName;

    internal LiveDatapath(LiveSwitch live, bool isDummy, DatapathPmds pmds) => (Live, IsDummy, Numbers, Pmds) = (live, isDummy, new DatapathNumbers(isDummy), pmds);

    /// <summary>What runs.</summary>
    public LiveSwitch Live { get; }

    /// <summary>Its tables, threads and connections. Its control operations are for any thread.</summary>
    public Datapath Datapath => Live.Datapath;

    /// <summary>Its packet threads, and what they poll.</summary>
    public DatapathPmds Pmds { get; }

    /// <summary>It has no devices.</summary>
    public bool IsDummy { get; }

    /// <summary>Numbers of its ports.</summary>
    public DatapathNumbers Numbers { get; }

    /// <summary>Bridges that are in it.</summary>
    internal int BridgeCount { get; set; }

    /// <summary>Packets for tunnels that something behind their ports should have encapsulated, and nothing is there.</summary>
    public ulong TunnelDrops => _tunnels.Values.Aggregate(0UL, static (sum, t) => sum + t.Port.Statistics()[PortDrop.TxDown]);

    /// <summary>What its ports are called in texts. Any thread.</summary>
    /// <param name="byName">By their names, else by their numbers.</param>
    public PortNames PortNames(bool byName)
        => Engine.Text.PortNames.InDatapath(_names.Select(n => KeyValuePair.Create(n.Key, byName ? n.Value : n.Key.ToString(CultureInfo.InvariantCulture))));

    /// <summary>Numbers of its ports for texts in which they have names; of several ports of a name the first.</summary>
    public PortNames NumbersByName => _numbersByName ??= new PortNames(Numbers.Names.DistinctBy(static n => n.Value).ToDictionary(static n => n.Value, static n => n.Key, StringComparer.Ordinal));

    /// <inheritdoc/>
    public void Dispose() => Live.Dispose();

    /// <summary>Gives a port its number.</summary>
    internal uint Take(string name)
    {
        uint number = Numbers.Take(name);
        Renamed();
        return number;
    }

    /// <summary>Gives a port the number that is asked for, or one that is free where none is; null if another has it.</summary>
    internal uint? TryTake(string name, uint? asked)
    {
        if (asked is not { } number) return Take(name);
        if (!Numbers.TryTake(name, number)) return null;
        Renamed();
        return number;
    }

    /// <summary>The number of tunnels of a kind; each gives it back.</summary>
    internal uint ShareTunnel(string name, string type)
    {
        uint number = Numbers.Share(name);
        Renamed();
        if (!_tunnels.TryGetValue(number, out (TunnelVport Port, int Sharers) tunnel))
        {
            tunnel.Port = new TunnelVport(number, name, type, null) { IsSharedPort = true };
            Live.Ports.Add(tunnel.Port, LiveSwitch.NowMs);
        }

        _tunnels[number] = (tunnel.Port, tunnel.Sharers + 1);
        return number;
    }

    /// <summary>A port goes.</summary>
    internal void Release(uint number)
    {
        if (_tunnels.TryGetValue(number, out (TunnelVport Port, int Sharers) tunnel))
        {
            if (tunnel.Sharers > 1)
            {
                _tunnels[number] = (tunnel.Port, tunnel.Sharers - 1);
            }
            else
            {
                _tunnels.Remove(number);
                Live.Ports.Remove(number, LiveSwitch.NowMs);
            }
        }

        Numbers.Release(number);
        Renamed();
    }

    private void Renamed() => (_names, _numbersByName) = ([.. Numbers.Names], null);
}
