namespace Mergeflow.PropertyTests;

/// <summary>What a switch of <see cref="OrdersBench"/> does with a frame of a flow, from what it has been told alone: its own few words for it, nothing of the engine.</summary>
internal sealed class OrdersModel
{
    /// <summary>Ports of the switch; frames come in on the first.</summary>
    public const uint In = 1, Left = 2, Right = 3, Extra = 4;

    private readonly FlowAction[] _actions;

    public OrdersModel(int flows)
    {
        _actions = new FlowAction[flows];
    }

    /// <summary>What each flow's own rule says.</summary>
    public IReadOnlyList<FlowAction> Actions => _actions;

    /// <summary>Where the rule of all sends what has no rule of its own; 0 = nowhere.</summary>
    public uint Common { get; set; } = Left;

    /// <summary>Whether the group takes its first live bucket, or all.</summary>
    public bool GroupFailsOver { get; set; }

    public bool HasMeter { get; set; } = true;

    /// <summary>Ports whose link is up.</summary>
    public HashSet<uint> Up { get; } = [In, Left, Right];

    /// <summary>Ports to which nothing is forwarded.</summary>
    public HashSet<uint> Closed { get; } = [];

    /// <summary>Ports that are left out when frames are flooded.</summary>
    public HashSet<uint> Quiet { get; } = [];

    /// <summary>Flows whose connection was answered.</summary>
    public HashSet<int> Established { get; } = [];

    /// <summary>Flows whose connection was not: what their next frame gets is not said.</summary>
    public HashSet<int> Open { get; } = [];

    /// <summary>The address of flows that <c>normal</c> forwards was seen on <see cref="Right"/>.</summary>
    public bool IsLearned { get; set; }

    public void Set(int flow, FlowAction action) => _actions[flow] = action;

    /// <summary>The ports that get a frame of the flow, ascending; null = this is not decided.</summary>
    public uint[]? Expected(int flow) => _actions[flow] switch
    {
        FlowAction.Drop => [],
        FlowAction.Left => Reached(Left),
        FlowAction.Right => Reached(Right),
        FlowAction.Group when GroupFailsOver => Reached(Up.Contains(Left) ? Left : Right),
        FlowAction.Group => Reached(Left, Right),
        FlowAction.Metered when HasMeter => Reached(Right),
        FlowAction.Flood => Flooded(),
        FlowAction.Normal when IsLearned => null,
        FlowAction.Normal => Flooded(),
        FlowAction.Tracked when Open.Contains(flow) => null,
        FlowAction.Tracked => Reached(Established.Contains(flow) ? Right : Left),
        _ => Common == 0 ? [] : Reached(Common),
    };

    private uint[] Flooded() => Reached([.. new[] { Left, Right, Extra }.Where(p => !Quiet.Contains(p))]);

    private uint[] Reached(params uint[] ports) => [.. ports.Where(p => Up.Contains(p) && !Closed.Contains(p))];
}

/// <summary>What a flow's own rule says.</summary>
internal enum FlowAction
{
    /// <summary>It has none.</summary>
    None,
    Drop,
    Left,
    Right,
    Group,
    Metered,
    Flood,
    Normal,
    Tracked,
}
