namespace Mergeflow.Control.OpenFlow;

/// <summary><c>OFPT_GROUP_MOD</c> and <c>NXT_GROUP_MOD</c>.</summary>
public sealed record OfGroupModMessage : OfMessage
{
    /// <summary>What is to be done.</summary>
    public GroupMod Mod = new(GroupModCommand.Add, 0, GroupType.All, null, 0, EquatableList<Field>.Empty, EquatableList<GroupBucket>.Empty);

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        ushort command = Number(Mod.Command);
        wire.U16(ref command);
        byte type = (byte)Mod.Type;
        wire.U8(ref type);
        wire.Pad(1);
        uint id = Mod.GroupId;
        wire.U32(ref id);
        bool isNew = wire.Version is OfVersion.V10 or OfVersion.V15;
        if (wire.IsReading)
        {
            if (type > (byte)GroupType.FastFailover) throw new OfRefusal("OFPGMFC_BAD_TYPE", $"type {type}");
            Mod = Mod with { Command = Command(command, isNew), Type = (GroupType)type, GroupId = id };
            if (isNew) GroupReader.Read15(ref wire.Reader, ref Mod);
            else Mod = Mod with { Buckets = GroupReader.Read11(ref wire.Reader) };
            GroupReader.Check(Mod);
        }
        else if (isNew)
        {
            GroupWriter.Write15(wire.Writer, Mod);
        }
        else
        {
            GroupWriter.Write11(wire.Writer, Mod.Buckets);
        }
    }

    private static ushort Number(GroupModCommand command) => command switch
    {
        GroupModCommand.Add => 0,
        GroupModCommand.Modify => 1,
        GroupModCommand.Delete => 2,
        GroupModCommand.InsertBucket => 3,
        GroupModCommand.RemoveBucket => 5,
        _ => 0x8000,
    };

    private static GroupModCommand Command(ushort command, bool isNew) => command switch
    {
        0 => GroupModCommand.Add,
        1 => GroupModCommand.Modify,
        2 => GroupModCommand.Delete,
        3 when isNew => GroupModCommand.InsertBucket,
        5 when isNew => GroupModCommand.RemoveBucket,
        0x8000 => GroupModCommand.AddOrModify,
        _ => throw new OfRefusal("OFPGMFC_BAD_COMMAND", $"command {command}"),
    };
}
