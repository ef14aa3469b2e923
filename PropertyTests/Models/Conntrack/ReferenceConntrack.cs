using static Mergeflow.PropertyTests.RefCtBits;

namespace Mergeflow.PropertyTests;

/// <summary>
/// Connection tracking as Open vSwitch 3.1's userspace datapath does it, with a list per tuple and no other structure. The decisions are
/// in the order of OVS <c>process_one</c>.
/// </summary>
internal sealed partial class ReferenceConntrack
{
    private readonly bool _checkSequence;
    private readonly int _minFragmentV4;
    private readonly int _minFragmentV6;
    private long _nowMs;

    public ReferenceConntrack(bool checkSequence = true, int minFragmentV4 = 1200, int minFragmentV6 = 1280)
        => (_checkSequence, _minFragmentV4, _minFragmentV6) = (checkSequence, minFragmentV4, minFragmentV6);

    /// <summary>Open vSwitch's answer would depend on the order of a hash chain or on chance: what follows cannot be compared.</summary>
    public string? Ambiguity { get; private set; }

    /// <summary>A packet was held back as a fragment of a datagram; the model does not reassemble.</summary>
    public bool HeldFragment { get; private set; }

    /// <summary>Tracks one packet; false if it is held back.</summary>
    public bool Execute(ReferencePacket p, RefFlow flow, RefCtAction ct, long nowMs)
    {
        Look(nowMs);
        if (flow.U(RefField.Frag) != 0)
        {
            if (IsHeld(p, flow))
            {
                HeldFragment = true;
                return false;
            }

            Reject(p, ct.Zone);
            return true;
        }

        if (p.CachedConn is { } cached && cached.Forward.Zone == ct.Zone && !ct.Force)
        {
            ProcessCached(p, cached, ct);
        }
        else if (Extract(p, flow, ct.Zone) is { } found)
        {
            Process(p, found.Key, found.IsRelated, ct);
        }
        else
        {
            Reject(p, ct.Zone);
        }

        return true;
    }

    private void Reject(ReferencePacket p, int zone)
    {
        p.CtState = Inv;
        WriteMetadata(p, zone, null, null);
    }

    private void ProcessCached(ReferencePacket p, RefConn conn, RefCtAction ct)
    {
        if (ct.Nat is not null)
        {
            HandleNat(p, conn, ct.Zone, p.CachedReply, p.CachedRelated);
            p.CachedConn = null;
        }

        p.CtZone = ct.Zone;
        p.CtMark = conn.Mark;
        p.CtLabel = conn.Label;
        WriteMarkAndLabel(p, conn, ct);
    }

    private void Process(ReferencePacket p, RefKey key, bool isRelated, RefCtAction ct)
    {
        if (p.CtState != 0 && p.CtZone != ct.Zone) p.CtState = 0;

        bool wasTranslated = (p.CtState & AnyNat) != 0;
        Found? entry = Find(wasTranslated ? key.Reverse() : key);
        bool isReply = entry?.IsReply ?? false;
        if (wasTranslated && entry is { } e)
        {
            // The packet was translated in this zone already: what answers it tells which connection it belongs to.
            isReply = !isReply;
            bool wantsReplyKey = isReply != e.IsTwin;
            key = wantsReplyKey ? e.Conn.Reply : e.Conn.Forward;
        }

        RefConn? conn = entry?.Conn;
        bool isTwin = entry?.IsTwin ?? false;
        if (ct.Force && isReply && !isTwin && conn is not null)
        {
            ForceExpire(conn);
            conn = null;
        }
        else if (ct.Force && isTwin && wasTranslated)
        {
            // Here the twin itself is ended, which does nothing, and no connection is left for the packet.
            Ambiguity ??= "force after a translation";
        }

        if (conn is not null && isTwin)
        {
            if (_nowMs >= conn.ExpiryMs)
            {
                p.CtState |= Inv;
                WriteMetadata(p, ct.Zone, null, null);
                return;
            }

            isReply = key == conn.Reply;
        }

        bool create = false;
        if (conn is not null)
        {
            create = UpdateState(p, conn, isReply, isRelated);
            if (ct.Nat is not null && !create) HandleNat(p, conn, ct.Zone, isReply, isRelated);
        }
        else if (ct.Nat is null && wasTranslated && FindByOriginalTuple(p, key) is { } original)
        {
            conn = original;
            create = UpdateState(p, conn, isReply, isRelated);
        }
        else if (isRelated)
        {
            p.CtState = Inv;
        }
        else
        {
            create = true;
        }

        if (create)
        {
            if (Find(key) is null) conn = Begin(p, key, ct);
            else Ambiguity ??= "a new connection whose tuple is taken";
        }

        WriteMetadata(p, ct.Zone, conn, key);
        if (conn is not null) WriteMarkAndLabel(p, conn, ct);
        p.CachedConn = ct.Nat is null ? conn : null;
        p.CachedReply = isReply;
        p.CachedRelated = isRelated;
    }

    /// <summary>What the packet is to a connection that exists; true if it begins another one with the same tuple.</summary>
    private bool UpdateState(ReferencePacket p, RefConn conn, bool isReply, bool isRelated)
    {
        if (isRelated)
        {
            p.CtState |= Rel | (isReply ? Rpl : 0);
            return false;
        }

        switch (conn.Forward.Proto == 6 ? UpdateTcp(p, conn, isReply) : UpdateOther(conn, isReply))
        {
            case RefUpdate.Valid:
                p.CtState = ((p.CtState | Est) & ~New) | (isReply ? Rpl : 0);
                break;
            case RefUpdate.ValidNew:
                p.CtState |= New;
                break;
            case RefUpdate.Invalid:
                p.CtState = Inv;
                return false;
            case RefUpdate.New:
                ForceExpire(conn);
                return true;
        }

        if (isReply) conn.ReplyPackets++;
        else conn.OrigPackets++;
        return false;
    }

    private RefConn? Begin(ReferencePacket p, RefKey key, RefCtAction ct)
    {
        if (!MayBegin(p, key))
        {
            p.CtState = Inv;
            return null;
        }

        p.CtState = New;
        if (!ct.Commit && !ct.Force) return null;
        bool? source = ct.Nat?.Source;
        var conn = new RefConn { Forward = key, Reply = key.Reverse(), TranslatesSource = source, OrigPackets = 1 };
        if (source is not null && ChooseReply(conn, ct.Nat!) is not { } reply) return null;
        else if (source is not null) conn.Reply = _chosen;
        if (key.Proto == 6) BeginTcp(p, conn);
        conn.ExpiryMs = _nowMs + (key.Proto == 6 ? 30_000 : 60_000);
        Add(conn);
        if (source is not null) Translate(p, conn, isReply: false, isRelated: false);
        return conn;
    }

    private static void WriteMetadata(ReferencePacket p, int zone, RefConn? conn, RefKey? key)
    {
        p.CtState |= Trk;
        p.CtZone = zone;
        p.CtMark = conn?.Mark ?? 0;
        p.CtLabel = conn?.Label ?? 0;
        p.CtTuple = conn?.Forward ?? key;
        if (conn is null && key is null) p.CachedConn = null;
    }

    private static void WriteMarkAndLabel(ReferencePacket p, RefConn conn, RefCtAction ct)
    {
        if (ct.MarkMask != 0) conn.Mark = p.CtMark = (ct.Mark & ct.MarkMask) | (p.CtMark & ~ct.MarkMask);
        if (ct.LabelMask != 0) conn.Label = p.CtLabel = (ct.Label & ct.LabelMask) | (p.CtLabel & ~ct.LabelMask);
    }
}
