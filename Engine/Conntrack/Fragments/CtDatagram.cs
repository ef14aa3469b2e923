namespace Mergeflow.Engine.Conntrack;

/// <summary>Fragments of one datagram (OVS <c>struct ipf_list</c>).</summary>
internal struct CtDatagram
{
    public CtFragmentKey Key;
    public long ExpiryMs;
    public int FirstFragment;
    public int FragmentCount;

    /// <summary>Next in the hash chain; next free one otherwise; -1 = none.</summary>
    public int ChainNext;

    /// <summary>Neighbours in order of arrival, so of expiry.</summary>
    public int Older;
    public int Newer;

    /// <summary>Number of its source's row, and neighbours there.</summary>
    public int Source;
    public int SourceOlder;
    public int SourceNewer;

    public bool FirstSeen;
    public bool LastSeen;

    /// <summary>Complete: nothing more is accepted, also while it waits for the others of its batch.</summary>
    public bool Complete;

    /// <summary>Complete but impossible, for instance too long: nothing more is accepted.</summary>
    public bool Failed;
}
