using Mergeflow.Control.OpenFlow;
using Mergeflow.Native;

namespace Mergeflow.Control.Bridges;

/// <summary>What makes bridges real: live ports and a datapath, or a model in tests.</summary>
public interface IBridgeHost
{
    /// <summary>Types of datapaths that bridges may have (<c>Open_vSwitch.datapath_types</c>).</summary>
    IReadOnlyList<string> DatapathTypes { get; }

    /// <summary>Types of interfaces that can be opened (<c>Open_vSwitch.iface_types</c>).</summary>
    IReadOnlyList<string> InterfaceTypes { get; }

    /// <summary>What flows and connections can have (<c>Datapath.capabilities</c>).</summary>
    IReadOnlyDictionary<string, string> Capabilities { get; }

    /// <summary>Takes the keys for connections by TLS that the database names; null = it names none.</summary>
    void SetTls(OfTlsFiles? files)
    {
    }

    /// <summary>Makes a bridge without ports.</summary>
    /// <exception cref="IOException">One line says why not.</exception>
    IHostedBridge Create(BridgeConfig config);

    /// <summary>What is wanted of the switch as a whole, before bridges are made so.</summary>
    void Prepare(SwitchConfig wanted)
    {
        // All bridges are alike.
    }

    /// <summary>What is wanted of the switch as a whole, behind the bridges.</summary>
    void Finish(SwitchConfig wanted, long nowMs)
    {
        // There is nothing that bridges have together.
    }

    /// <summary>Follows what is outside of the switch; never waits.</summary>
    void Run(long nowMs)
    {
        // Nothing is followed.
    }

    /// <summary>Adds what ends a wait because there is something to follow.</summary>
    void Watch(PollSet set)
    {
        // Nothing is followed.
    }
}

/// <summary>A bridge that is there. Disposing takes its ports and its devices away.</summary>
public interface IHostedBridge : IDisposable
{
    /// <summary>Opens an interface.</summary>
    /// <param name="config">Which one.</param>
    /// <param name="ofport">Its OpenFlow number.</param>
    /// <exception cref="IOException">The message says why, in the words of the column <c>error</c>.</exception>
    void Add(InterfaceConfig config, int ofport);

    /// <summary>Closes an interface, and takes its device away if it is our own.</summary>
    void Remove(int ofport);

    /// <summary>Whether an interface is there, and can do something; false once its device is gone.</summary>
    bool IsThere(int ofport);

    /// <summary>Makes the bridge and its ports as they are to be; what is so already stays untouched.</summary>
    /// <returns>Lines about what cannot be done.</returns>
    IReadOnlyList<string> Configure(BridgeConfig config, IReadOnlyDictionary<string, int> ofports);

    /// <summary>What an interface is now.</summary>
    InterfaceStatus StatusOf(int ofport);

    /// <summary>What it has counted.</summary>
    IReadOnlyDictionary<string, long> StatisticsOf(int ofport);

    /// <summary>What has become of the controllers that it connects to.</summary>
    IReadOnlyList<OfControllerStatus> ControllerStatus() => [];

    /// <summary>Wants columns of ports and mirrors, if it has something to say of them.</summary>
    void Report(Writeback into, bool withStatistics)
    {
    }

    /// <summary>Datapath id: its lower 48 bits are the address of the bridge's own port, unless it is set.</summary>
    ulong DatapathId { get; }
}

/// <summary>What an interface is at one moment; null = its kind has no such thing.</summary>
public sealed record InterfaceStatus
{
    /// <summary>Ethernet address as text.</summary>
    public string? Mac { get; init; }

    /// <summary>Longest packet behind the Ethernet header, bytes.</summary>
    public int? Mtu { get; init; }

    /// <summary>What LACP has last heard is fresh; null = no LACP.</summary>
    public bool? LacpCurrent { get; init; }

    /// <summary>Number of the device; 0 = none.</summary>
    public int IfIndex { get; init; }

    /// <summary>Switched on.</summary>
    public bool IsUp { get; init; }

    /// <summary>Something is at the other end.</summary>
    public bool HasLink { get; init; }

    /// <summary>Times that the link has come or gone.</summary>
    public int LinkResets { get; init; }

    /// <summary>Bits per second.</summary>
    public long? LinkSpeed { get; init; }

    /// <summary>Both directions at once.</summary>
    public bool? IsFullDuplex { get; init; }

    /// <summary>Of the column <c>status</c>: driver, tunnel's way out, ...</summary>
    public IReadOnlyDictionary<string, string> Status { get; init; } = new SortedDictionary<string, string>();

    /// <summary>Of the column <c>bfd_status</c>.</summary>
    public IReadOnlyDictionary<string, string> BfdStatus { get; init; } = new SortedDictionary<string, string>();

    /// <summary>Error that does not keep the interface from being there: a patch port without peer.</summary>
    public string? Error { get; init; }
}
