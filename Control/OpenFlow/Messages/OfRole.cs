namespace Mergeflow.Control.OpenFlow;

/// <summary><c>OFPT_ROLE_REQUEST</c> and its reply, and Nicira's.</summary>
public sealed record OfRole : OfMessage
{
    /// <summary>0 = no change, 1 = equal, 2 = primary, 3 = secondary; in the program also for Nicira's, which count from 0.</summary>
    public uint Role;

    /// <summary>Of the choice of a primary.</summary>
    public ulong GenerationId;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        if (IsNicira)
        {
            uint number = Role - 1;
            wire.U32(ref number);
            if (number > 2) throw new OfRefusal("OFPRRFC_BAD_ROLE", $"role {number}");
            Role = number + 1;
            return;
        }

        wire.U32(ref Role);
        if (Role > 3) throw new OfRefusal("OFPRRFC_BAD_ROLE", $"role {Role}");
        wire.Pad(4);
        wire.U64(ref GenerationId);
    }
}

/// <summary><c>OFPT_ROLE_STATUS</c>: the role of a controller has changed by another.</summary>
public sealed record OfRoleStatus : OfMessage
{
    public uint Role;

    /// <summary>0 = another has become primary (<c>OFPCRR_PRIMARY_REQUEST</c>).</summary>
    public byte Reason;
    public ulong GenerationId;
    public OfBytes Properties = OfBytes.Empty;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        wire.U32(ref Role);
        wire.U8(ref Reason);
        wire.Pad(3);
        wire.U64(ref GenerationId);
        wire.Rest(ref Properties);
    }
}
