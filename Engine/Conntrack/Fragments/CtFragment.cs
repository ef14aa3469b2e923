using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Conntrack;

/// <summary>A held fragment (OVS <c>struct ipf_frag</c>).</summary>
internal unsafe struct CtFragment
{
    public Packet* Packet;

    /// <summary>First byte of the fragment's data behind the IP header.</summary>
    public byte* Data;

    /// <summary>
    /// Position of the first and last data byte in the datagram, 0..<see cref="CtFragments.MaxPosition"/>; of an empty fragment the last is in front of the
    /// first. Wider than the 16 bits on the wire: a sum of two fields of a packet has to fit.
    /// </summary>
    public int Start;
    public int End;

    /// <summary>It is the datagram's n-th to arrive, from 0.</summary>
    public int Arrival;

    /// <summary>Next of its datagram, by position; next free one otherwise; -1 = none.</summary>
    public int Next;

    public readonly int SizeBytes => End - Start + 1;
}
