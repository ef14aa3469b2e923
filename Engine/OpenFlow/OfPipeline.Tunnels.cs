using System.Collections.Concurrent;
using System.Collections.Immutable;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.OpenFlow;

/// <content>What tunnels know of the network below, and what BFD sessions say of ports.</content>
public sealed partial class OfPipeline
{
    /// <summary>Next hops that wait to be asked for; more are asked for when the next packet comes.</summary>
    private const int MostUnknownHops = 256;

    private readonly ConcurrentDictionary<(uint UnderlayPort, Ipv6Address Address, bool IsIpv6), bool> _unknownHops = [];
    private readonly ConcurrentDictionary<SeenNeighbor, bool> _seenNeighbors = [];
    private readonly HashSet<uint> _bfdDown = [];
    private ImmutableDictionary<uint, BfdMatch> _bfd = ImmutableDictionary<uint, BfdMatch>.Empty;
    private TunnelUnderlay _underlay = TunnelUnderlay.None;

    /// <summary>Routes, neighbours and ends of tunnels are others. False if they are what they were.</summary>
    public bool SetUnderlay(TunnelUnderlay underlay)
    {
        lock (_lock)
        {
            if (_underlay.Equals(underlay)) return false;
            _underlay = underlay;
            Publish();
            return true;
        }
    }

    /// <summary>A port has a BFD session, another one, or none any more (null). False if that changes nothing.</summary>
    public bool SetBfd(uint port, BfdMatch? match)
    {
        lock (_lock)
        {
            if (_bfd.GetValueOrDefault(port) == match) return false;
            _bfd = match is null ? _bfd.Remove(port) : _bfd.SetItem(port, match);
            if (match is null && _bfdDown.Remove(port)) _portsChanged = true;
            Publish();
            return true;
        }
    }

    /// <summary>A port's BFD session says whether it may be used: groups and bundles look at it as at the link. False if that changes nothing.</summary>
    public bool SetBfdLive(uint port, bool isLive)
    {
        lock (_lock)
        {
            if (isLive ? !_bfdDown.Remove(port) : !_bfdDown.Add(port)) return false;
            _portsChanged = true;
            Publish();
            return true;
        }
    }

    /// <summary>The ports whose BFD session says that they may not be used, in no order.</summary>
    public IReadOnlyList<uint> BfdDown
    {
        get
        {
            lock (_lock) return [.. _bfdDown];
        }
    }

    /// <summary>Next hops that packets were to go to and whose Ethernet address nobody knows; each once until they are asked for again. One thread at a time.</summary>
    public IReadOnlyList<(uint UnderlayPort, Ipv6Address Address, bool IsIpv6)> TakeUnknownHops()
    {
        if (_unknownHops.IsEmpty) return [];
        (uint, Ipv6Address, bool)[] taken = [.. _unknownHops.Keys];
        foreach ((uint, Ipv6Address, bool) hop in taken) _unknownHops.TryRemove(hop, out _);
        return taken;
    }

    /// <summary>Of the options of a packet outside, the one that is mapped to <c>tun_metadata0</c> is in the key.</summary>
    public void TakeOption(IEnumerable<(GeneveOption Option, ulong Data)> options, ref FlowKey key)
    {
        foreach ((GeneveOption option, ulong data) in options)
        {
            if (option == _option) (key.TunOptions, key.TunMetadata0) = (1, Be64.FromHost(data));
        }
    }

    /// <summary>Neighbours that packets to ports with addresses have told of, each once. One thread at a time.</summary>
    public IReadOnlyList<SeenNeighbor> TakeSeenNeighbors()
    {
        if (_seenNeighbors.IsEmpty) return [];
        SeenNeighbor[] taken = [.. _seenNeighbors.Keys];
        foreach (SeenNeighbor neighbor in taken) _seenNeighbors.TryRemove(neighbor, out _);
        return taken;
    }

    /// <summary>A packet has told who has an address.</summary>
    internal void See(in SeenNeighbor neighbor)
    {
        if (_seenNeighbors.Count < MostUnknownHops) _seenNeighbors.TryAdd(neighbor, true);
    }

    /// <summary>Somebody should find out who has the address.</summary>
    internal void AskFor(uint underlayPort, in Ipv6Address address, bool isIpv6)
    {
        if (_unknownHops.Count < MostUnknownHops) _unknownHops.TryAdd((underlayPort, address, isIpv6), true);
    }
}
