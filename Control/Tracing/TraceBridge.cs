using System.Globalization;
using Mergeflow.Engine.Runtime;
using Mergeflow.Engine.Text;

namespace Mergeflow.Control.Tracing;

/// <summary>A bridge as <c>ofproto/trace</c> sees it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Datapath">Its tables.</param>
/// <param name="DatapathName">The datapath that it is in with others, <c>TYPE@NAME</c>.</param>
/// <param name="Ports">Its ports.</param>
public sealed record TraceBridge(string Name, Datapath Datapath, string DatapathName, IReadOnlyList<TracePort> Ports)
{
    /// <summary>OpenFlow numbers by name.</summary>
    public PortNames Names { get; } = new(Ports.ToDictionary(static p => p.Name, static p => p.Ofport));

    /// <summary>Somebody has said that its datapath cuts no packets (<c>dpif/set-dp-features</c>).</summary>
    public bool LacksTruncation { get; init; }

    /// <summary>What ports are called in texts about the datapath.</summary>
    /// <param name="byName">By their names, else by their numbers there.</param>
    public PortNames InDatapath(bool byName)
        => PortNames.InDatapath(Ports.Where(static p => p.Number is not null).Select(p => KeyValuePair.Create(p.Ofport, byName ? p.Name : p.Number!.Value.ToString(CultureInfo.InvariantCulture))));

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
