using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

/// <summary>Chooses the reply tuples of translated connections.</summary>
internal sealed unsafe class NatAllocator
{
    private const int MaxPortAttempts = 128;

    private readonly ConnView _view;
    private readonly ConnExpiry _expiry;
    private readonly bool _clashingIcmpIdsFail;

    /// <summary>State of the generator that jumps among ports; never 0.</summary>
    private ulong _random;

    public NatAllocator(in ConnView view, ConnExpiry expiry, Quirks quirks, ulong seed)
    {
        _view = view;
        _expiry = expiry;
        _clashingIcmpIdsFail = quirks.ClashingIcmpIdsFail;
        _random = seed | 1;
    }

    /// <summary>
    /// Chooses a tuple as the action says and claims it with the connection's own; false if there is none that is free, or if the claim is lost
    /// (<see cref="ConnClaim.IsLost"/>).
    /// </summary>
    public bool TryChoose<S>(int id, in DpCt args, ref ConnClaim claim, long nowMs)
        where S : struct, IConnSync
    {
        _view.Conn(id)->Nat = args.Nat;
        return args.Nat == NatKind.None ? LoseReplyTuple<S>(id, ref claim, nowMs) : ChooseTuple<S>(id, args, ref claim, nowMs);
    }

    /// <summary>
    /// Chooses the reply tuple of a new translated connection so that no other connection has it (OVS <c>nat_get_unique_tuple</c>).
    /// </summary>
    private bool ChooseTuple<S>(int id, in DpCt args, ref ConnClaim claim, long nowMs)
        where S : struct, IConnSync
    {
        ConnRecord* c = _view.Conn(id);
        uint hash = RangeHash(c, args);
        ChooseAddress(id, args, hash);
        if (c->HasIcmpId && !_clashingIcmpIdsFail) return SearchOwnPort<S>(id, ref claim, nowMs);
        if (c->Fwd.Proto is not (IpProto.Tcp or IpProto.Udp)) return IsTupleFree<S>(id, ref claim, nowMs);

        ushort srcPort = BinaryPrimitives.ReverseEndianness(c->Fwd.SrcPort);
        ushort dstPort = BinaryPrimitives.ReverseEndianness(c->Fwd.DstPort);
        bool hasPorts = args.NatPortMax != 0;
        int portCount = hasPorts ? args.NatPortMax - args.NatPortMin + 1 : 0;
        ushort fromRange = hasPorts ? (ushort)(args.NatPortMin + (hash % (uint)portCount)) : (ushort)0;

        if (args.Nat == NatKind.Dst)
        {
            SetRevPort(c, source: true, hasPorts ? fromRange : dstPort);
            SetRevPort(c, source: false, srcPort);
            if (hasPorts && SearchPort<S>(id, source: true, fromRange, args.NatPortMin, args.NatPortMax, ref claim, nowMs)) return true;
        }
        else if (hasPorts)
        {
            return SearchPort<S>(id, source: false, fromRange, args.NatPortMin, args.NatPortMax, ref claim, nowMs);
        }
        return SearchOwnPort<S>(id, ref claim, nowMs);
    }

    /// <summary>The sender's own port or identifier, or the next free one of its class.</summary>
    private bool SearchOwnPort<S>(int id, ref ConnClaim claim, long nowMs)
        where S : struct, IConnSync
    {
        ushort own = BinaryPrimitives.ReverseEndianness(_view.Conn(id)->Fwd.SrcPort);
        (ushort min, ushort max) = own < 512 ? ((ushort)1, (ushort)511) : own < 1024 ? ((ushort)600, (ushort)1023) : ((ushort)1024, (ushort)65535);
        return SearchPort<S>(id, source: false, own, min, max, ref claim, nowMs);
    }

    /// <summary>
    /// What OVS makes of <c>commit,nat</c> without address for a connection that nobody expects: nothing is translated, but the reply tuple gets the
    /// address 0 and port 0, so no answer is recognised, and of connections that differ in nothing but these there is room for one.
    /// </summary>
    private bool LoseReplyTuple<S>(int id, ref ConnClaim claim, long nowMs)
        where S : struct, IConnSync
    {
        ConnRecord* c = _view.Conn(id);
        c->Rev.Src = 0;
        if (c->IsIpv6)
        {
            _view.Addresses(id)->RevSrc = default;
            c->Rev.Src = _view.Hash.OfAddress(default);
        }
        if (c->Fwd.Proto is IpProto.Tcp or IpProto.Udp) SetRevPort(c, source: false, 0);
        return IsTupleFree<S>(id, ref claim, nowMs);
    }

    /// <summary>Address of the range by hash; an all-zero range keeps the address.</summary>
    private void ChooseAddress(int id, in DpCt args, uint hash)
    {
        ConnRecord* c = _view.Conn(id);
        if (args.NatAddrMin.IsZero) return;
        if (!c->IsIpv6)
        {
            uint min = Host32(args.NatAddrMin), max = Host32(args.NatAddrMax.IsZero ? args.NatAddrMin : args.NatAddrMax);
            uint range = max - min + 1;
            uint address = BinaryPrimitives.ReverseEndianness(min + (range == 0 ? hash : hash % range));
            if (args.Nat == NatKind.Src) c->Rev.Dst = address;
            else c->Rev.Src = address;
            return;
        }
        UInt128 min6 = args.NatAddrMin.ToUInt128(), max6 = args.NatAddrMax.IsZero ? min6 : args.NatAddrMax.ToUInt128();
        // OVS uses at most 32 bits of an IPv6 range.
        uint span = max6 - min6 > 0xffff_fffe ? 0xffff_ffff : (uint)(max6 - min6) + 1;
        Ipv6Address chosen = Ipv6Address.FromUInt128(min6 + (hash % span));
        uint digest = _view.Hash.OfAddress(chosen);
        if (args.Nat == NatKind.Src)
        {
            _view.Addresses(id)->RevDst = chosen;
            c->Rev.Dst = digest;
        }
        else
        {
            _view.Addresses(id)->RevSrc = chosen;
            c->Rev.Src = digest;
        }
    }

    /// <summary>
    /// Tries ports from <paramref name="first"/> on, which may be outside, wrapping within min..max; after 128 failures jumps to a random
    /// one and tries half as many, down to 8 (OVS <c>nat_get_unique_l4</c>).
    /// </summary>
    private bool SearchPort<S>(int id, bool source, ushort first, ushort min, ushort max, ref ConnClaim claim, long nowMs)
        where S : struct, IConnSync
    {
        ConnRecord* c = _view.Conn(id);
        bool both = c->HasIcmpId;
        int range = max - min + 1;
        int attempts = Math.Min(range, MaxPortAttempts);
        int port = first;
        while (true)
        {
            bool isInside = port >= min && port <= max;
            int tries = Math.Min(attempts, isInside ? range : range + 1);
            for (int i = 0; i < tries; i++)
            {
                SetRevPort(c, source, (ushort)port);
                if (both) c->Rev.SrcPort = c->Rev.DstPort;
                if (IsTupleFree<S>(id, ref claim, nowMs)) return true;
                if (S.IsShared && claim.IsLost) return false;
                port = port < min || port >= max ? min : port + 1;
            }
            if (attempts >= range || attempts < 16) break;
            attempts /= 2;
            port = min + (int)(NextRandom() % (uint)range);
        }
        SetRevPort(c, source, first);
        if (both) c->Rev.SrcPort = c->Rev.DstPort;
        return false;
    }

    /// <summary>Does no other connection have the tuple? Then it is claimed.</summary>
    private bool IsTupleFree<S>(int id, ref ConnClaim claim, long nowMs)
        where S : struct, IConnSync
    {
        ConnRecord* c = _view.Conn(id);
        ConnKey key = c->Rev;
        ulong hash = _view.Hash.OfKey(key);
        while (true)
        {
            uint seen = S.IsShared ? ConnClaim.ReadFree(_view, _expiry.Lock, hash) : 0;
            if (_expiry.Look<S>(key, &_view.Addresses(id)->RevSrc, &_view.Addresses(id)->RevDst, hash, nowMs) != 0) return false;
            if (!S.IsShared || claim.TryTake<S>(hash, seen)) return true;
            if (claim.IsLost) return false;
        }
    }

    /// <summary>The same connection asked for the same range again starts its search at the same place.</summary>
    private uint RangeHash(ConnRecord* c, in DpCt args)
    {
        ulong range = _view.Hash.OfAddress(args.NatAddrMin) | ((ulong)_view.Hash.OfAddress(args.NatAddrMax) << 32);
        ulong h = _view.Hash.Mix(c->Fwd.Addrs, c->Fwd.Tail);
        return (uint)(_view.Hash.Mix(h, range ^ ((ulong)args.NatPortMin << 16) ^ args.NatPortMax) >> 32);
    }

    private static uint Host32(in Ipv6Address address)
        => BinaryPrimitives.ReverseEndianness(Unsafe.As<Ipv6Address, uint>(ref Unsafe.AsRef(in address)));

    private static void SetRevPort(ConnRecord* c, bool source, ushort port)
    {
        ushort raw = BinaryPrimitives.ReverseEndianness(port);
        if (source) c->Rev.SrcPort = raw;
        else c->Rev.DstPort = raw;
    }

    private uint NextRandom()
    {
        _random ^= _random << 13;
        _random ^= _random >> 7;
        _random ^= _random << 17;
        return (uint)(_random >> 32);
    }
}
