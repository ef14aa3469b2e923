using System.Globalization;
using Mergeflow.Engine.Runtime;
using Mergeflow.Engine.Text;

namespace Mergeflow.Control.Tracing;

/// <summary>A bridge as <c>ofproto/trace</c> sees it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Bridge">Its tables.</param>
/// <param name="DatapathName">The datapath that it is in with others, <c>TYPE@NAME</c>.</param>
/// <param name="Ports">Its ports.</param>
public sealed record TraceBridge(string Name, DatapathBridge Bridge, string DatapathName, IReadOnlyList<TracePort> Ports)
{
    /// <summary>OpenFlow numbers by name.</summary>
    public PortNames Names { get; } = new(Ports.ToDictionary(static p => p.Name, static p => p.Ofport));

    /// <summary>Somebody has said that its datapath cuts no packets (<c>dpif/set-dp-features</c>).</summary>
    public bool LacksTruncation { get; init; }

    /// <summary>What it runs in.</summary>
    public Datapath Datapath => Bridge.Datapath;

    /// <summary>Ports of its datapath by their numbers there.</summary>
    public IReadOnlyDictionary<uint, string> DatapathPorts { get; init; } = new Dictionary<uint, string>();

    /// <summary>What ports are called in texts about the datapath.</summary>
    /// <param name="byName">By their names, else by their numbers there.</param>
    public PortNames InDatapath(bool byName) => PortNames.InDatapath(DatapathPorts.Select(p => KeyValuePair.Create(p.Key, byName ? p.Value : p.Key.ToString(CultureInfo.InvariantCulture))));

    /// <summary>Whether a word means the datapath that it is in: its type, or <c>ovs-</c> and its type.</summary>
    public bool IsIn(string datapath)
    {
        string type = DatapathName[..DatapathName.IndexOf('@')];
        return datapath == type || datapath == $"ovs-{type}";
    }
}

/// <summary>A port of a bridge.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Ofport">Its OpenFlow number.</param>
/// <param name="Number">Its number in the datapath; null = it has none.</param>
public readonly record struct TracePort(string Name, uint Ofport, uint? Number);
