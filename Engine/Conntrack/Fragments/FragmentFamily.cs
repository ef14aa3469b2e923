namespace Mergeflow.Engine.Conntrack;

/// <summary>What holds for the fragments of one address family in one packet thread, and what became of them (OVS <c>struct dpif_ipf_proto_status</c>). Control sets single words, the thread counts.</summary>
public sealed class FragmentFamily
{
    /// <summary>Fragments are put together; otherwise they are invalid.</summary>
    public bool IsEnabled { get; set; } = true;

    /// <summary>Smallest fragment that is taken and is not the last one, bytes of the IP packet.</summary>
    public int MinBytes { get; set; }

    /// <summary>Fragments that were held.</summary>
    public ulong Accepted { get; internal set; }

    /// <summary>Fragments whose datagram became complete.</summary>
    public ulong Completed { get; internal set; }

    /// <summary>Fragments whose datagram did not become complete in time.</summary>
    public ulong Expired { get; internal set; }

    /// <summary>Fragments below <see cref="MinBytes"/>.</summary>
    public ulong TooSmall { get; internal set; }

    /// <summary>Fragments with bytes that were there already.</summary>
    public ulong Overlapped { get; internal set; }

    /// <summary>Fragments that had to go to make room.</summary>
    public ulong Purged { get; internal set; }
}
