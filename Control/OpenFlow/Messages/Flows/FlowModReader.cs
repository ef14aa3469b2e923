namespace Mergeflow.Control.OpenFlow;

/// <summary>Reads flow modifications (OVS <c>ofputil_decode_flow_mod</c>).</summary>
internal static class FlowModReader
{
    private const uint AnyGroup = uint.MaxValue;

    /// <summary>Reads one.</summary>
    public static void Read(ref OfReader r, OfFlowModMessage message)
    {
        if (message.IsNicira) ReadNicira(ref r, message);
        else if (r.Version == OfVersion.V10) Read10(ref r, message);
        else Read11(ref r, message);
    }

    private static void Read10(ref OfReader r, OfFlowModMessage message)
    {
        Match match = default;
        bool isExact = Match10.IsExact(r.Rest);
        Match10.Read(ref r, ref match);
        ulong cookie = r.U64();
        ReadCommon(ref r, message, out Head head);
        if (isExact) head = head with { Priority = ushort.MaxValue };
        Finish(ref r, message, ref match, head with { NewCookie = cookie });
    }

    private static void ReadNicira(ref OfReader r, OfFlowModMessage message)
    {
        ulong cookie = r.U64();
        ReadCommon(ref r, message, out Head head);
        int matchLength = r.U16();
        r.Skip(6);
        Match match = default;
        OxmReader.ReadNxm(ref r, matchLength, ref match, out (ulong Value, ulong Mask) restricts);
        if (restricts.Mask != 0 && head.IsAdd) throw new OfRefusal("NXBRC_NXM_INVALID", "flow additions may only set a new cookie");
        Finish(ref r, message, ref match, head with { NewCookie = cookie, Cookie = restricts.Value, CookieMask = restricts.Mask });
    }

    /// <summary>Command .. flags, as OpenFlow 1.0 and Nicira have them.</summary>
    private static void ReadCommon(ref OfReader r, OfFlowModMessage message, out Head head)
    {
        (ushort command, ushort idle, ushort hard, ushort priority) = (r.U16(), r.U16(), r.U16(), r.U16());
        message.BufferId = r.U32();
        uint outPort = r.U16();
        head = new Head
        {
            Order = (byte)command,
            Table = (byte)(command >> 8),
            Idle = idle,
            Hard = hard,
            Priority = priority,
            OutPort = outPort,
            OutGroup = AnyGroup,
            Flags = r.U16(),
        };
    }

    private static void Read11(ref OfReader r, OfFlowModMessage message)
    {
        (ulong cookie, ulong mask, byte table, byte command, ushort idle, ushort hard, ushort priority) = (r.U64(), r.U64(), r.U8(), r.U8(), r.U16(), r.U16(), r.U16());
        message.BufferId = r.U32();
        (uint outPort, uint outGroup, ushort flags, ushort importance) = (r.U32(), r.U32(), r.U16(), r.U16());
        var head = new Head
        {
            Order = command,
            Table = table,
            Idle = idle,
            Hard = hard,
            Priority = priority,
            Flags = flags,
            Importance = r.Version >= OfVersion.V14 ? importance : (ushort)0,
        };
        bool isDelete = head.IsDelete;
        Match match = default;
        MatchCodec.Read(ref r, ref match);
        if (head.Table == 255 && (r.Version == OfVersion.V11 || !isDelete)) throw new OfRefusal("OFPFMFC_BAD_TABLE_ID", "only a deletion may be about all tables");
        uint narrow = ActionReader.NarrowPort(outPort);
        head = head with { OutPort = isDelete ? narrow : (uint)OfReservedPort.None, OutGroup = isDelete ? outGroup : AnyGroup };
        if (head.IsAdd)
        {
            if (mask != 0) throw new OfRefusal("OFPFMFC_UNKNOWN", "flow additions have no cookie mask");
            head = head with { NewCookie = cookie };
        }
        else
        {
            bool sets = r.Version == OfVersion.V11 && mask == 0 && !isDelete;
            head = head with { NewCookie = sets ? cookie : ulong.MaxValue, Cookie = cookie & mask, CookieMask = mask };
        }

        Finish(ref r, message, ref match, head);
    }

    private static void Finish(ref OfReader r, OfFlowModMessage message, ref Match match, Head h)
    {
        // In this order (OVS ofputil_decode_flow_mod): the match, the command, the actions, the flags.
        FlowModCommand command = Command(h.Order);
        bool isDelete = h.IsDelete;
        EquatableList<OfAction> actions = InstructionReader.Read(r.Part(r.Left));
        FlowModFlags flags = Flags(h, r.Version);
        // Of a modification all ones mean that it leaves cookies alone; of an addition it is a cookie.
        bool setsCookie = !isDelete && (command == FlowModCommand.Add ? h.NewCookie != 0 : h.NewCookie != ulong.MaxValue);
        bool isModify = command is FlowModCommand.Modify or FlowModCommand.ModifyStrict;
        message.Mod = new FlowMod
        {
            Command = command,
            AddsIfNone = r.Version <= OfVersion.V11 && isModify && setsCookie && h.CookieMask == 0,
            IsOf10 = r.Version == OfVersion.V10,
            Table = h.Table == 255 ? null : h.Table,
            Priority = h.Priority,
            Cookie = h.CookieMask != 0 ? h.Cookie & h.CookieMask : setsCookie ? h.NewCookie : 0,
            CookieMask = h.CookieMask,
            NewCookie = setsCookie ? h.NewCookie : null,
            IdleTimeoutSeconds = h.Idle,
            HardTimeoutSeconds = h.Hard,
            OutPort = !isDelete || h.OutPort == (uint)OfReservedPort.None ? null : h.OutPort,
            OutGroup = !isDelete || h.OutGroup == AnyGroup ? null : h.OutGroup,
            Importance = h.Importance,
            Flags = flags | (command == FlowModCommand.Add && r.Version <= OfVersion.V11 ? FlowModFlags.ResetCounts : FlowModFlags.None),
            Match = match,
            Actions = isDelete ? EquatableList<OfAction>.Empty : FlowActions.OfRule(actions, ref match),
        };
    }

    private static FlowModCommand Command(byte command) => command switch
    {
        0 => FlowModCommand.Add,
        1 => FlowModCommand.Modify,
        2 => FlowModCommand.ModifyStrict,
        3 => FlowModCommand.Delete,
        4 => FlowModCommand.DeleteStrict,
        _ => throw new OfRefusal("OFPFMFC_BAD_COMMAND", $"command {command}"),
    };

    private static FlowModFlags Flags(Head head, OfVersion version)
    {
        ushort flags = head.Flags;
        int known = version switch { OfVersion.V10 or OfVersion.V11 => 3, OfVersion.V12 => 7, _ => 31 };
        if (version == OfVersion.V10 && (flags & 4) != 0) throw new OfRefusal(head.Idle != 0 || head.Hard != 0 ? "OFPFMFC_BAD_EMERG_TIMEOUT" : "OFPFMFC_TABLE_FULL", "there is no emergency flow table");
        return (flags & ~known) == 0 ? (FlowModFlags)flags : throw new OfRefusal("OFPFMFC_BAD_FLAGS", $"flags 0x{flags:x}");
    }

    /// <summary>What stands before match and actions.</summary>
    private readonly record struct Head
    {
        /// <summary>As it was sent.</summary>
        public byte Order { get; init; }

        public bool IsAdd => Order == (byte)FlowModCommand.Add;

        public bool IsDelete => Order is (byte)FlowModCommand.Delete or (byte)FlowModCommand.DeleteStrict;

        public byte Table { get; init; }

        public ushort Idle { get; init; }

        public ushort Hard { get; init; }

        public ushort Priority { get; init; }

        public uint OutPort { get; init; }

        public uint OutGroup { get; init; }

        public ushort Flags { get; init; }

        public ushort Importance { get; init; }

        public ulong NewCookie { get; init; }

        public ulong Cookie { get; init; }

        public ulong CookieMask { get; init; }
    }
}
