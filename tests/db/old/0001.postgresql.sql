SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.experiment_runs (
    experiment_id integer NOT NULL,
    run_id bigint NOT NULL,
    claim character varying(16) NOT NULL,
    cached boolean NOT NULL,
    rank bigint NOT NULL,
    shape bigint NOT NULL,
    data bigint NOT NULL,
    CONSTRAINT ck_experiment_runs_claim CHECK (((claim)::text = ANY ((ARRAY['pending'::character varying, 'done'::character varying, 'failed'::character varying, 'cancelled'::character varying])::text[])))
);
CREATE TABLE public.experiments (
    id integer NOT NULL,
    name character varying(200) NOT NULL,
    owner character varying(200) NOT NULL,
    idempotency_key character varying(200),
    priority integer NOT NULL,
    status character varying(32) NOT NULL,
    spec json NOT NULL,
    created_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    points integer NOT NULL,
    skipped integer NOT NULL,
    total integer NOT NULL,
    cached integer NOT NULL,
    done integer NOT NULL,
    failed integer DEFAULT 0 NOT NULL,
    cancelled integer DEFAULT 0 NOT NULL,
    revision bigint DEFAULT 1 NOT NULL,
    CONSTRAINT ck_experiments_counts CHECK ((((done + failed) + cancelled) <= total)),
    CONSTRAINT ck_experiments_status CHECK (((status)::text = ANY ((ARRAY['queued'::character varying, 'running'::character varying, 'paused'::character varying, 'finished'::character varying, 'finished_with_failures'::character varying, 'cancelled'::character varying])::text[])))
);
CREATE SEQUENCE public.experiments_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.experiments_id_seq OWNED BY public.experiments.id;
CREATE TABLE public.leader (
    name character varying(50) NOT NULL,
    holder character varying(200) NOT NULL,
    expires_at timestamp with time zone NOT NULL
);
CREATE TABLE public.points (
    experiment_id integer NOT NULL,
    "position" integer NOT NULL,
    settings_id bigint NOT NULL,
    axis_values json NOT NULL,
    summary bytea NOT NULL
);
CREATE TABLE public.provenances (
    id integer NOT NULL,
    digest character varying(64) NOT NULL,
    content json NOT NULL
);
CREATE SEQUENCE public.provenances_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.provenances_id_seq OWNED BY public.provenances.id;
CREATE TABLE public.run_arrays (
    run_id bigint NOT NULL,
    content bytea NOT NULL
);
CREATE TABLE public.runs (
    id bigint NOT NULL,
    key character varying(64) NOT NULL,
    settings_id bigint NOT NULL,
    seed bigint NOT NULL,
    recipe integer NOT NULL,
    state character varying(16) NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    leased_by character varying(200),
    lease_expires_at timestamp with time zone,
    landed_at timestamp with time zone,
    seconds double precision,
    reason text,
    traceback text,
    trust character varying(16),
    flags json,
    provenance_id integer,
    train_loss double precision,
    train_accuracy double precision,
    test_accuracy double precision,
    test_accuracy_sum double precision,
    averaging_index double precision,
    feature_fraction double precision,
    coefficient_ratio double precision,
    robust_radius_sum double precision,
    robust_radius_max double precision,
    robust_radius_sum_relative double precision,
    robust_radius_max_relative double precision,
    CONSTRAINT ck_runs_state CHECK (((state)::text = ANY ((ARRAY['queued'::character varying, 'leased'::character varying, 'done'::character varying, 'failed'::character varying, 'cancelled'::character varying])::text[]))),
    CONSTRAINT ck_runs_trust CHECK (((trust)::text = ANY ((ARRAY['ok'::character varying, 'suspect'::character varying])::text[])))
);
CREATE TABLE public.settings (
    id bigint NOT NULL,
    digest character varying(64) NOT NULL,
    canonical text NOT NULL
);
ALTER TABLE ONLY public.experiments ALTER COLUMN id SET DEFAULT nextval('public.experiments_id_seq'::regclass);
ALTER TABLE ONLY public.provenances ALTER COLUMN id SET DEFAULT nextval('public.provenances_id_seq'::regclass);
INSERT INTO public.alembic_version VALUES ('0001');
INSERT INTO public.experiment_runs VALUES (1, 1, 'done', false, 0, 669394079001532494, 4200984962658200014);
INSERT INTO public.experiment_runs VALUES (1, 2, 'done', false, 4, 669394079001532494, 6378327745126622691);
INSERT INTO public.experiment_runs VALUES (1, 3, 'done', false, 1, 669394079001532494, 4200984962658200014);
INSERT INTO public.experiment_runs VALUES (1, 4, 'done', false, 5, 669394079001532494, 6378327745126622691);
INSERT INTO public.experiment_runs VALUES (1, 5, 'done', false, 2, 7565600928621393307, 265085399953941240);
INSERT INTO public.experiment_runs VALUES (1, 6, 'done', false, 6, 7565600928621393307, 2442428182422363917);
INSERT INTO public.experiment_runs VALUES (1, 7, 'done', false, 3, 7565600928621393307, 265085399953941240);
INSERT INTO public.experiment_runs VALUES (1, 8, 'done', false, 7, 7565600928621393307, 2442428182422363917);
INSERT INTO public.experiment_runs VALUES (2, 10, 'pending', false, 4, 1592315230362436036, 2869289775930053507);
INSERT INTO public.experiment_runs VALUES (2, 12, 'pending', false, 5, 1592315230362436036, 2869289775930053507);
INSERT INTO public.experiment_runs VALUES (2, 14, 'pending', false, 6, 6985063915019369045, 4071002952087440981);
INSERT INTO public.experiment_runs VALUES (2, 15, 'pending', false, 3, 6985063915019369045, 1893660169619018304);
INSERT INTO public.experiment_runs VALUES (2, 16, 'pending', false, 7, 6985063915019369045, 4071002952087440981);
INSERT INTO public.experiment_runs VALUES (2, 9, 'done', false, 0, 1592315230362436036, 691946993461630830);
INSERT INTO public.experiment_runs VALUES (2, 11, 'done', false, 1, 1592315230362436036, 691946993461630830);
INSERT INTO public.experiment_runs VALUES (2, 13, 'failed', false, 2, 6985063915019369045, 1893660169619018304);
INSERT INTO public.experiments VALUES (1, 'finished', 'ada', NULL, 0, 'finished', '{"data": {"source": "clusters", "k": 10, "d": 3072, "n": 1000, "snr": 1.0, "center_cosine": 0.0, "positive_clusters": null, "label_noise": 0.0, "normalization": null, "draw": "auto", "seed": null}, "network": {"kind": "two_layer", "labels": "binary", "width": "auto", "init_scale": 1e-05}, "training": {"engine": "auto", "optimizer": "gd", "learning_rate": 0.001, "steps": 100, "momentum": null, "batch_size": null, "weight_decay": 0.0, "precision": "float32"}, "attack": {"norm": "l2", "radii": [0.0, 10.0, 20.0], "test_points": 50, "steps": 40, "restarts": 1, "methods": ["pgd", "pgd_native", "exact"]}, "name": "finished", "sweep": {"data.k": [4, 6], "network.init_scale": [1e-05, 0.001]}, "seeds": 2, "impossible": "refuse", "priority": 0}', '2026-11-25 13:22:38.213763+00', '2026-11-25 13:22:38.244666+00', '2026-11-25 13:22:38.350765+00', 4, 0, 8, 0, 8, 0, 0, 3);
INSERT INTO public.experiments VALUES (2, 'half way', 'ada', NULL, 0, 'running', '{"data": {"source": "clusters", "k": 10, "d": 64, "n": 30, "snr": 1.0, "center_cosine": 0.0, "positive_clusters": null, "label_noise": 0.0, "normalization": null, "draw": "auto", "seed": null}, "network": {"kind": "two_layer", "labels": "binary", "width": "auto", "init_scale": 1e-05}, "training": {"engine": "auto", "optimizer": "gd", "learning_rate": 0.001, "steps": 100, "momentum": null, "batch_size": null, "weight_decay": 0.0, "precision": "float32"}, "attack": {"norm": "l2", "radii": [0.0, 10.0, 20.0], "test_points": 50, "steps": 40, "restarts": 1, "methods": ["pgd", "pgd_native", "exact"]}, "name": "half way", "sweep": {"data.k": [4, 6], "network.init_scale": [1e-05, 0.001]}, "seeds": 2, "impossible": "refuse", "priority": 0}', '2026-11-25 13:22:38.370373+00', '2026-11-25 13:22:38.397037+00', NULL, 4, 0, 8, 0, 2, 1, 0, 3);
INSERT INTO public.points VALUES (1, 0, 1, '{"data.k": 4, "network.init_scale": 1e-05}', '\x0000000000000040000000000000f03f000000000000f03f000000000000f03f000000000000000000000000000000000000000000000000000000000000004030f6b3dbf1f924402c506f3d3ef237409647167a9f1c1c4095c85cfa93e52b400000000000000040cfdb5525a0dcdf3ff06b02cfeb35b83f56979a94daf1d13f249008dbb2e3e63f0000000000000040e6f2f47ddaedec3f63e40ed87f28493f1e572d19594dec3fae8ebce25b8eed3f000000000000004072e19cd08befe43f0d65ebe08d39b63fd42d77338f89dc3ffa2b7e07509aeb3f00000000000000401052b3629432b03f919df0d15436763fc013a3f51bf0863fa841b2462587bd3f000000000000004025e3e97722e8d93f88d84b86aee0cc3f58f5d9597aa5b13f7aa4ae2c73b3e73f000000000000004052112b8cc01d11403264536b897e35409cf62ee02803f03ffe644ae0b63a1e40000000000000004000a1220a696c27409813e035e5481d405108f335d1982340ae3952de00402b40000000000000004062523aa8ce0030401e803661c48be93fa589c9a223be2e40f2df0f7f8ba2304000000000000000407a02db38d72d2940638d206681dd4f4016c2206d45c71b40f5d192dd053c324000000000000000400957dbbd4aad164058908f4baf5a45404856f99d49c5f03f402c1c8aa1942440');
INSERT INTO public.points VALUES (1, 1, 2, '{"data.k": 4, "network.init_scale": 0.001}', '\x0000000000000040000000000000f03f000000000000f03f000000000000000000000000000000000000000000000000000000000000f03f0000000000000040e2b603a059bf2340f64d6a9dc58008400d2fbb51be452140b63e4ceef43826400000000000000040147cc90347b7e53f34a1971a49b7bc3f06d917f56b46dc3fa40b070d584bed3f0000000000000040d27762a17832e33f94ce98c2e02bc83fe80df29581bad23fb0e8cb77b007ed3f0000000000000040e8ea510a1c63c43f81127580b7bda53f408872f787c78b3fa65696cadf84d33f0000000000000040b822df1808bdcb3f7b101afb4b32a43f18aa367f4086b33f327811f977dbd63f0000000000000040585c93db1a11e33f4a905b197d9ad23fc8e9b6042278cb3f3ffef8352d44ef3f00000000000000409633fe333dc204404eea5e604380024070928d19f74ff83ff49d35db7e5c0d4000000000000000400b0aeb917ff02a40a1dcca750fbb06409ac116773c8e28407c52bfacc2522d400000000000000040ffae093f00b11e40bc33b62f743cdf3f1e9d651026b71c4070e0d6366d5520400000000000000040eb785b5738be2d40eccfe14c3c5e0b40e69a291198202b4078abc64eec2d304000000000000000400621fc76787d1c404698ec5fc58f534058780713fec3eb3f81a9cb9538c12a40');
INSERT INTO public.points VALUES (1, 2, 3, '{"data.k": 6, "network.init_scale": 1e-05}', '\x000000000000004000000000000000000000000000000040000000000000000000000000000000000000000000000000000000000000000000000000000000405c04f6aa8fa82840ec93f0749cf35540b0efad5226d0164070884a1686f432400000000000000040889a382c1d9cd63f6c35929a4d78523f9a4108352217d53f76f368231821d83f00000000000000404cd88186088fd53f334eef7625699e3f782694451385cb3f5c9d396a875bdd3f00000000000000401a52b8104ba2e03fd6a75ff50195ca3f2cf1e0fe224ac93fe867b8610df2ea3f000000000000004008da27bb85a4e43fbe6e0f42b5e4ae3fe6cb6163412bde3f1cce9ec46a33ea3f000000000000004086003b693776eb3f7476de151ac6033fe092d468a452eb3f2d6ea169ca99eb3f000000000000004003319d7b348a2b40673573f128313a40ea5dbaa85b4d24400e0240a7866331400000000000000040f686228063770c406cc4c103cb9e1a4022c247840bbffb3f6d96109fa0871540000000000000004086f471c55a723040eb5d9b7f75061840088024e16e6d2d4008a9511afe2d32400000000000000040f6c3e64855090440713738711245d73f900e35211ea000405d7998708c7207400000000000000040e93a6099322c1f403f7a6fffec4b21401634261ed5da1640de204d0ac8be2340');
INSERT INTO public.points VALUES (1, 3, 4, '{"data.k": 6, "network.init_scale": 0.001}', '\x0000000000000040000000000000f03f000000000000f03f000000000000000000000000000000000000000000000000000000000000f03f000000000000004010ac054ff1240340c6179e3b8ba4723f0c56a75f3ec302401302643ea486034000000000000000402d36fa6ae091dc3ff6b0fcb67e8c9d3f809cc695e0e1d43fede71620f020e23f0000000000000040633f1f6eac20e03f846338366d09dc3f8098c4662a6ba23f3e35d235a61aef3f00000000000000409442825136afe53fd8a0bfd65f3bc23fe0f85a7f0f4ada3fb70857e36439ee3f0000000000000040d4621f6b02accd3f84ddaa5fb42a853f786ee6226e78c43f982bac59cb6fd33f0000000000000040c579d6228823dd3f24b5832eaaf8c43fe4b0da7a5aa4c53f8ccd1f8471bae73f00000000000000406499b2d76d452440b5de555ac1ab03401ecb1c81b90d2240aa67482e227d2640000000000000004044985c2cec122b40b21fbe78daa1474029cc94d4ef59214030321242f465324000000000000000407638a2aa63ad24402df3d90ac5f44540ed915d7b959c1640f6a795977c0c2e400000000000000040f0451b028afe26402494e86ee8cfdd3f1bd9c30972072640c4b272faa1f5274000000000000000403658c1236a7c204022d64abea18d4940bd2ece16f9800940bd24cf0196982a40');
INSERT INTO public.points VALUES (2, 2, 7, '{"data.k": 6, "network.init_scale": 1e-05}', '\x0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff');
INSERT INTO public.points VALUES (2, 3, 8, '{"data.k": 6, "network.init_scale": 0.001}', '\x0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff');
INSERT INTO public.points VALUES (2, 0, 5, '{"data.k": 4, "network.init_scale": 1e-05}', '\x000000000000f03f0000000000000000000000000000f03f0000000000000000000000000000000000000000000000000000000000000000000000000000f03f5b2bd8e9eb09334000000000000000005b2bd8e9eb0933405b2bd8e9eb093340000000000000f03f90b131cfe94dcf3f000000000000000090b131cfe94dcf3f90b131cfe94dcf3f000000000000f03fea016cecc97edb3f0000000000000000ea016cecc97edb3fea016cecc97edb3f000000000000f03f70ab1b813dd0ee3f000000000000000070ab1b813dd0ee3f70ab1b813dd0ee3f000000000000f03f30addbb3085ea73f000000000000000030addbb3085ea73f30addbb3085ea73f000000000000f03f78eb05ec43aec53f000000000000000078eb05ec43aec53f78eb05ec43aec53f000000000000f03f2174dbbd5f522f4000000000000000002174dbbd5f522f402174dbbd5f522f40000000000000f03fffaad641828f21400000000000000000ffaad641828f2140ffaad641828f2140000000000000f03f96a1828c77a61a40000000000000000096a1828c77a61a4096a1828c77a61a40000000000000f03faaad6f4605e630400000000000000000aaad6f4605e63040aaad6f4605e63040000000000000f03f4cf03af0eaf7244000000000000000004cf03af0eaf724404cf03af0eaf72440');
INSERT INTO public.points VALUES (2, 1, 6, '{"data.k": 4, "network.init_scale": 0.001}', '\x000000000000f03f0000000000000000000000000000f03f0000000000000000000000000000000000000000000000000000000000000000000000000000f03f3482fb645219304000000000000000003482fb64521930403482fb6452193040000000000000f03f056cda188cdce13f0000000000000000056cda188cdce13f056cda188cdce13f000000000000f03fc0a04fb3dfe5a73f0000000000000000c0a04fb3dfe5a73fc0a04fb3dfe5a73f000000000000f03f80a2712920317a3f000000000000000080a2712920317a3f80a2712920317a3f000000000000f03fe03004af8f5bc43f0000000000000000e03004af8f5bc43fe03004af8f5bc43f000000000000f03f601d1d9d0499bc3f0000000000000000601d1d9d0499bc3f601d1d9d0499bc3f000000000000f03f68d4a77be2011940000000000000000068d4a77be201194068d4a77be2011940000000000000f03f5acb9142fd41304000000000000000005acb9142fd4130405acb9142fd413040000000000000f03fa05840bdcf46e63f0000000000000000a05840bdcf46e63fa05840bdcf46e63f000000000000f03f2a1c747e535f234000000000000000002a1c747e535f23402a1c747e535f2340000000000000f03f3c97d9464bfd2a4000000000000000003c97d9464bfd2a403c97d9464bfd2a40');
INSERT INTO public.provenances VALUES (1, '3dd7c35c29c26ab54a69689def3fae16ae72fa676662525a998f9655caafa1b0', '{"device": "cpu", "engine": "gram"}');
INSERT INTO public.run_arrays VALUES (1, '\x7801eb616060a8564a2e2d2a4b2d56b28a8e562a2ecd55d2512a484f518ad541e2c5e725966496a52209a65624269780f9b98915485ae03c642d1041a896581da5a2c494cc4c252b631da5e4fce2cc3cb0dd263a66b1b540e700c107fb343078671fb443aef575e009fb593341e0a57db5c83af787554fec8dc1e0b2fde1af1a31fd879eda6b02c9af1a77ecc1ca77cc83ea7b01e5df83ea5b620f5215d3ffc87e49812dd7f5c517a0e22df66063459e41edbd665f08922e386b2ffcc779bf877aa0fd632fdffd8d5ba4f7ef734cddff6387a17dbc50e6fe826585f6621359f6bfd20eb49f9bf673af115bb9bd9881d47ecf4931f6efd3f877fd5bca6bdf753bde5eec51fefedcdc4ffbdc53b7dae99d67da3f3bbd68bfb7a8a35defbce97b0056ac9cd0');
INSERT INTO public.run_arrays VALUES (2, '\x7801eb616060a8564a2e2d2a4b2d56b28a8e562a2ecd55d2512a484f518ad541e2c5e725966496a52209a65624269780f9b98915485ae03c642d1041a896581da5a2c494cc4c252b631da5e4fce2cc3cb0dd263a66b1b531fd87be6ac4bcb7b7e5babeb8c0f6953dd07940f0c0de180c1edb7b3cac1259e77ed1be1a483eac5a62dffa3a70875ceb6d7b7930e32a54fc88fdac9920f0d21e640ad7f5c7707988f9cfa1eaaed8bf01697fbdd17e0948d9e21750fe45a8fe9df6d149db77e55dd8b6379ee1b3adcc7ba1fd9b2d9cec96b39fb4d91c9b60b7565aca3eefc03a3b8d5712fbafc71eb1ebbbb4c16e8772bfdd9ffcabfb66359becaff56bdf9b56a966ff37f4b79dcdbc65fb0afe15db376aa9ef3751ebdf975295b87fadcf2b3b003b45a183');
INSERT INTO public.run_arrays VALUES (3, '\x7801eb616060a8564a2e2d2a4b2d56b28a8e562a2ecd55d2512a484f518ad541e2c5e725966496a52209a65624269780f9b98915485ae03c642d1041a896581da5a2c494cc4c252b631da5e4fce2cc3cb0dd263a66b1b587bf6ac4f41f7a6b1fb443aef575e00dfb6a9175ee0faba6d8a781c13b7b4da0ec578d3b50f913f667cf80c01bfb2505b65cd7173fb0077a07082e40e51fd803058132c7a1f476a8fc0b7bb0f13b9e41cdbf625f08d25ef0d61e62ff53fb593341e0a47dc4eed4fd0c8679fbff3dd8b76f81498afd45a65bfb76eed3df2f5f1ab07f595ebd9d20ebb57d5fef08d93d7049dd677d3ddf5e46b4636faf7d99bde4b36cfbb9ecc6fb5d7897edfdabea6967dcc7b6ff8798f8fecada447bff03e2fb4a1e33db9fe476b70700026b9d38');
INSERT INTO public.run_arrays VALUES (4, '\x7801eb616060a8564a2e2d2a4b2d56b28a8e562a2ecd55d2512a484f518ad541e2c5e725966496a52209a65624269780f9b98915485ae03c642d1041a896581da5a2c494cc4c252b631da5e4fce2cc3cb0dd263a66b1b56960f0ce7e49812dd7f5c517ecab45d6b93fac9a621fd37fe8ab46cc737bf9d6d7813be49ec2c58dc1e0b53d5899c83db8f80e3990c267f64160c60dfbc340ddfd878eda43c4dfd9834c2fb07d65ff06685aebeb83f6307b41a25cd75fc3ed9f649c61bff2d3a6bd335d8cedef2be7edbf6919bc6ffdee44fbf312def63fb607d8fbcf52b57330d5b353f5b3d8ff3ffb96adcc25adfd19e79af6d5739fb3bb9bf4751fffcd197631192ff7ad3e63b94f40cfc4be774fd67e4e43edfdc73904f6174a84db01005a069f77');
INSERT INTO public.run_arrays VALUES (5, '\x7801eb616060a8564a2e2d2a4b2d56b28a8e562a2ecd55d2512a484f518ad541e2c5e725966496a52209a65624269780f9b98915485ae03c642d1041a896581da5a2c494cc4c252b631da5e4fce2cc3cb0dd663a66b1b5ebdc1f5689ac7b6fbfa4c096ebfae20bf6d522209123f66960f00e4e43c45bec818a802adfdbbf09dc21d7fafa2054fd127bb0369167f687bf6ac4f41f3a0a17976f7d0d54f9d65e1328fa55e38d3dc4bee7f66063ae3fb6070607103cb0079916b8e39cbdaa4aeafea7850ef6e72b4ed93d3256ddff6055be5db8adc17e870909768bbc3feefbec5768efe5ce6d1f9018632fb2d3dbbef94d889d6d4c8dfdf9ffb2f60fbc75ed74d881e27f18f69d6ebd6e67d434d7aef19f937de435d3fd1fe558edf7bba6db3bd42eb3635f20badf55bbc23ef14bd73e93696efb97f0e7db7f3a79c56ef1fce77bf5b535ec3658aaedb77d1f6daf755d6b1f00885cb105');
INSERT INTO public.run_arrays VALUES (6, '\x7801eb616060a8564a2e2d2a4b2d56b28a8e562a2ecd55d2512a484f518ad541e2c5e725966496a52209a65624269780f9b98915485ae03c642d1041a896581da5a2c494cc4c252b631da5e4fce2cc3cb0dd663a66b1b5adaf0377c8b5deb6bfbeb8c096ebfa657b6330386ccf0516786f2fb2cefd6195c83d7ba0b381e0827d1a18bcb35f0252bef880fdac9920b0d3fe0dc898d72fed3d80aa815aa0ea1f40e90ff687bf6ac4f41f7a6aff0d447d7d00d5ffc21e663f50102873c9dea75dcdfe73bce87e3121f5fd8eae85f61bcedfd9937456cf5ed998d3ee23e7ab7d19b79fd9555de8dec7b6cf6e7fef5a3e3bdeee42fbe47589fbd6ced8677780dbc15ea0c67bff66f7effb164bb1ed357f56b47fe93cc9fd37e492f7c7307cde67f745d92e4e23c27ee51beefd5766eedcb772c1ca7d13ef14db6b881db193f17f6967c5fbcf4ee27cd4feda6f757b2b163fd977ef41cc7e0092b8b33a');
INSERT INTO public.run_arrays VALUES (7, '\x7801eb616060a8564a2e2d2a4b2d56b28a8e562a2ecd55d2512a484f518ad541e2c5e725966496a52209a65624269780f9b98915485ae03c642d1041a896581da5a2c494cc4c252b631da5e4fce2cc3cb0dd663a66b1b540e700c107fbeb8b0b6cb9aebfb66f7d1db843aef5b1fd3af7875522eb9edb17024517173cb5ffa611d37fe8eb0dfbb36740e0893d501150e539fb25206d8b0fd8578b80743cb1d70429d378620fd265cb75dc7ed64c10b8095787aa7e0bd49c75f6107730301c0eceb07f1cbb6e1ff722e7fdab0edfd9e7b1c3d3dee2b6fdbe94f83f760d374ed89d78e6677f6b558dddada397ecdc2fb2d8bb4efbbaaf2120c38e3b327abf8960a6bd96d58b7dbb396df72b4df7b64fd214b79f7461c7bed341fd7613458eec7bb1b3da6ed573bf7d01eb6dec6777d9d8ad5349dcaf1b22bb2fe694bc7de7766e7b770e9d7d4c77e3edb579d9f7ebccf8bbaf4382753f0026e3b46a');
INSERT INTO public.run_arrays VALUES (8, '\x7801eb616060a8564a2e2d2a4b2d56b28a8e562a2ecd55d2512a484f518ad541e2c5e725966496a52209a65624269780f9b98915485ae03c642d1041a896581da5a2c494cc4c252b631da5e4fce2cc3cb0dd663a66b1b5f2adaf0377c83db587d1c660f0d8dee36195c83af787f631fd87be6ac4dcb70fda21075479c31e4ced7866ff4d0324f3002e7ef60c083cb10769aa12b9673f6b2608ecb42fb4e5babeb8e02d947f12433c0d0caed9031501555eb67f201db65f49d678ff9c8f2d7b2f312becebdc5fb66fe7cac4fddb5f7edca7d6fad42e5a789b9d726a8bed9d640efbe2e92a768b4d9bed8e166aecc9bf59bfff53d2a4bd35e2c1fb852f14efff7779fabe041d33fbe8d38afbde4d14d92f2960b66fc73acffd151c4cfb6b78fbec8e3b4db10b906bb07d9856b3ffc2d645760fbfb6ee9b6e9f6c57f161d2beefaf7eda1924afdad72fa46d0f000ccabf18');
INSERT INTO public.run_arrays VALUES (9, '\x7801eb616060a8564a2e2d2a4b2d56b28a8e562a2ecd55d2512a484f518ad541e2c5e725966496a52209a65624269780f9b98915485ae03c642d1041a896581da5a2c494cc4c252b631da5e4fce2cc3cb0dd263a66b1b5ebdc1f5689ac7b6f9f0606d7ecab45402257ec9714d8725d5ffcc2de180c2e43f907ece55b5f07ee907b6b0f922db07d05157f607ff8ab464cffa1a7f640ef01c1037bb034d7757ba02050e6befdac9920b0d27e871cc88079f660635a1fdb6b82159c818aafb39fe870601f7785b2fd294e1e7b974d15f65ab6e7f73d9b99b29fc5f4fa1e93f3f9f65fe3cbecf5b726eedfd55c6b3f2b5f7f7fc5effc7d89be7cfbbb0bb2eca75c3bbe37ffb68e7df17b1b3bd6c309f60aebacf7a5276eda17a55a6ccfdb92b15f485acc0e00a85d9c0d');
INSERT INTO public.run_arrays VALUES (11, '\x7801eb616060a8564a2e2d2a4b2d56b28a8e562a2ecd55d2512a484f518ad541e2c5e725966496a52209a65624269780f9b98915485ae03c642d1041a896581da5a2c494cc4c252b631da5e4fce2cc3cb0dd263a66b1b55cd71717d872bdb75f0224af2f7e61bf43aef575e08e7bf685206ec15bfb98fe435f35629edb1f0692fd878eda83b9fdafec35c11267ec21fa8f43e59fda83b5d9deb27f130832692354fe3d54fd1ba8baab5075087366cd04819df6ff3cd7db6e8d48b2dbc6266da71d55ba7fa9b199dd3ea6e2bdf7938cedbe795fddf7d463c2deee8fecfb1bdf9dd8a72acbbe7fdd3dadfdce35ab6c6f0bb9d99dbe38c1ee969a897dcf7f465b99cb3cfb4527c9dbbff494da9ff741d9dec0d3d2beb136d21e00c37aa1dc');
INSERT INTO public.runs VALUES (1, '183371755c12e689a3a5d6d0588bd310ba2944f8019716313144f18897efb508', 1, 0, 1, 'done', 1, NULL, NULL, '2026-11-25 13:22:38.264731+00', 0.06710672094490389, NULL, NULL, 'suspect', '["more_steps_win"]', 1, 7.027952106103745, 0.7152952459332522, 0.9236277988861354, 0.44589595819408356, 0.11534340835556256, 0.06893124288213437, 7.557338242092781, 13.625006625687856, 16.63494104516571, 18.234464500756037, 10.290294948519772);
INSERT INTO public.runs VALUES (2, '874adfde68c83916928e427681e17be1f1779e1cad95e96f8ced5797e982dedb', 1, 1, 1, 'done', 1, NULL, NULL, '2026-11-25 13:22:38.264731+00', 0.02541714809856678, NULL, NULL, 'ok', NULL, 1, 13.948394607378114, 0.28038658630463453, 0.8844418994656029, 0.8625869890541928, 0.011200159486529304, 0.7406555054377713, 1.0007714039960893, 9.798471151272823, 15.371365630246894, 6.944600777744673, 1.048165909849006);
INSERT INTO public.runs VALUES (3, '64d5a1eb2d4b367f6e23e400bc7e64746aa38f2ee07a646cf07f55c227b6a054', 2, 0, 1, 'done', 1, NULL, NULL, '2026-11-25 13:22:38.264731+00', 0.03364105999593932, NULL, NULL, 'suspect', '["more_steps_win"]', 1, 8.636217645740112, 0.44179819998625225, 0.2926334347068562, 0.3049849966422279, 0.3571453029925379, 0.21460366468620706, 1.5195227621235539, 14.66164150081135, 7.178856140329371, 13.563660179451698, 13.377384835349178);
INSERT INTO public.runs VALUES (4, '57ad34829f1d1d5150e6ff6ae5458825549a5a617039b8920ece00e7df6ea9d1', 2, 1, 1, 'done', 1, NULL, NULL, '2026-11-25 13:22:38.264731+00', 0.012720199344972273, NULL, NULL, 'ok', NULL, 1, 11.111243674094435, 0.9154472593730714, 0.9071886386657493, 0.013564169157977202, 0.07626727205084938, 0.9770723394539756, 3.6701638341653453, 12.277805062797416, 8.166848863344256, 16.17938701963746, 0.8676748630202935);
INSERT INTO public.runs VALUES (5, '3041631c99324a3ae87e1c701b750e23209182c91531a880839160c4fff093f7', 3, 0, 1, 'done', 1, NULL, NULL, '2026-11-25 13:22:38.332744+00', 0.03142397287492923, NULL, NULL, 'ok', NULL, 1, 5.703271190515736, 0.329536964215572, 0.4587114846567226, 0.8420473965263655, 0.8187764969101781, 0.8625232756707583, 10.151089928388462, 1.734141842575021, 14.713736568170148, 2.0781824678723027, 5.713703604776148);
INSERT INTO public.runs VALUES (6, '78165fd8b115e46cc523c9abe561619db2a095354427c35b6cb20a69514c1cef', 3, 1, 1, 'done', 1, NULL, NULL, '2026-11-25 13:22:38.332744+00', 0.08768708416520722, NULL, NULL, 'ok', NULL, 1, 18.955171006390117, 0.37701991518024813, 0.21499863526723906, 0.19757497258422896, 0.471390101483108, 0.8538381621807183, 17.388773396613082, 5.382448659312655, 18.179658551155654, 2.9309319302112002, 9.8726199359084);
INSERT INTO public.runs VALUES (7, 'cfcf0b94c0ccf6b74c198a12deca6582affb61bf4326cf9be5d38bdb48a4164f', 4, 0, 1, 'done', 1, NULL, NULL, '2026-11-25 13:22:38.332744+00', 0.05170148654769202, NULL, NULL, 'suspect', '["more_steps_win"]', 1, 2.440742957522397, 0.5665207506892763, 0.972003083342919, 0.9445061149820252, 0.15992523864848684, 0.7415092068244333, 9.026805910839865, 18.398258332674402, 5.652913978181897, 11.979751421452768, 13.298019463096688);
INSERT INTO public.runs VALUES (8, '3cfe5134860554a801da4e74bbd634138441e1830ed5eac4718fd51810228b96', 4, 1, 1, 'done', 1, NULL, NULL, '2026-11-25 13:22:38.332744+00', 0.09958798346644274, NULL, NULL, 'ok', NULL, 1, 2.345333812040513, 0.32628645540757617, 0.035973858876148235, 0.4107702964501083, 0.3036983848293686, 0.1690781688570332, 11.244401403749936, 8.675657885707624, 15.024388062494818, 11.01454191699718, 3.187975099723046);
INSERT INTO public.runs VALUES (10, '0b5a21d7325a547890538322421cc18eaae9378a7a62901cfcf448d774de38f3', 5, 1, 1, 'queued', 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.runs VALUES (12, '492fc344e38f17bb3d495c1eeda55790e51d56fd0ff7c611c43a48ed29a9c29f', 6, 1, 1, 'queued', 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.runs VALUES (16, '5de7c65a032c3961cf13f533fbdf4b434119833565f23543c0b3fb293afd57af', 8, 1, 1, 'queued', 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.runs VALUES (9, 'ee7c64ed47fb1a3e7aa7d5e15a6d8a209fe6496e8cc28f2c5524707f45e2bdb9', 5, 0, 1, 'done', 1, NULL, NULL, '2026-11-25 13:22:38.40996+00', 0.026413501009762287, NULL, NULL, 'ok', NULL, 1, 19.03875600364277, 0.24456522576236894, 0.42961357200695593, 0.962919952549198, 0.04563929744275652, 0.16938065552298176, 15.660886700667165, 8.780290658430657, 6.662565417740913, 16.898517992272595, 10.484214312739049);
INSERT INTO public.runs VALUES (11, '5b81cf40cfb6bfe5107176eeb6bd823c6cfb2e1f58ef787d51122f5d3a4ee083', 6, 0, 1, 'done', 1, NULL, NULL, '2026-11-25 13:22:38.40996+00', 0.029023234595032393, NULL, NULL, 'ok', NULL, 1, 16.098913489726513, 0.5581722722448609, 0.0466756731401019, 0.00639450610388137, 0.15904422803612928, 0.11170986972603236, 6.251840526693833, 16.257770691484758, 0.6961439796748614, 9.6861838833557, 13.49471494108331);
INSERT INTO public.runs VALUES (13, '88e86da2a7ed6f677941c5701a603e6cc9a7f75924686a425daf771ee45cf4f5', 7, 0, 1, 'failed', 1, NULL, NULL, '2026-11-25 13:22:38.438483+00', NULL, 'diverged: the loss is not finite', 'Traceback: ...', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.runs VALUES (14, '81b65ba44b8ae8e5b2f29e61efcb17bd19c56b022cf909792d0d85950f701352', 7, 1, 1, 'leased', 1, 'scheduler', '2026-11-25 13:32:38.454489+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.runs VALUES (15, '23696277431b58f08cf97d960d97ed34c7593f0d12783771a8373d98a4ced3f2', 8, 0, 1, 'leased', 1, 'scheduler', '2026-11-25 13:32:38.454489+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.settings VALUES (1, 'e8ddc072e105e8101e633f881174389ec3ab42dbe7462f5edb6e0a576b1d7af8', '{"attack":{"methods":["exact","pgd","pgd_native"],"norm":"l2","radii":[0.0,10.0,20.0],"restarts":1,"steps":40,"test_points":50},"data":{"center_cosine":0.0,"d":3072,"draw":"law","k":4,"label_noise":0.0,"n":1000,"positive_clusters":2,"seed":null,"snr":1.0,"source":"clusters"},"network":{"init_scale":1e-05,"kind":"two_layer","labels":"binary","width":2},"training":{"batch_size":null,"engine":"gram","learning_rate":0.001,"momentum":null,"optimizer":"gd","precision":"float32","steps":100,"weight_decay":0.0}}');
INSERT INTO public.settings VALUES (2, '6ea6533fc2f282018068ac18132f4d4438cb30ef25a08cbda3e34c9348a21faf', '{"attack":{"methods":["exact","pgd","pgd_native"],"norm":"l2","radii":[0.0,10.0,20.0],"restarts":1,"steps":40,"test_points":50},"data":{"center_cosine":0.0,"d":3072,"draw":"law","k":4,"label_noise":0.0,"n":1000,"positive_clusters":2,"seed":null,"snr":1.0,"source":"clusters"},"network":{"init_scale":0.001,"kind":"two_layer","labels":"binary","width":2},"training":{"batch_size":null,"engine":"gram","learning_rate":0.001,"momentum":null,"optimizer":"gd","precision":"float32","steps":100,"weight_decay":0.0}}');
INSERT INTO public.settings VALUES (3, '7060f179c6c69ddd0e6a7b5b0b1e0e75fbc8292ac4d6d7f81ac97e5724b00e4f', '{"attack":{"methods":["exact","pgd","pgd_native"],"norm":"l2","radii":[0.0,10.0,20.0],"restarts":1,"steps":40,"test_points":50},"data":{"center_cosine":0.0,"d":3072,"draw":"law","k":6,"label_noise":0.0,"n":1000,"positive_clusters":3,"seed":null,"snr":1.0,"source":"clusters"},"network":{"init_scale":1e-05,"kind":"two_layer","labels":"binary","width":3},"training":{"batch_size":null,"engine":"gram","learning_rate":0.001,"momentum":null,"optimizer":"gd","precision":"float32","steps":100,"weight_decay":0.0}}');
INSERT INTO public.settings VALUES (4, '8dd7b32ea789b4d5527dbadb0e6ef12e17e5e2f4c2a2a9e46f674c0ebcd9514a', '{"attack":{"methods":["exact","pgd","pgd_native"],"norm":"l2","radii":[0.0,10.0,20.0],"restarts":1,"steps":40,"test_points":50},"data":{"center_cosine":0.0,"d":3072,"draw":"law","k":6,"label_noise":0.0,"n":1000,"positive_clusters":3,"seed":null,"snr":1.0,"source":"clusters"},"network":{"init_scale":0.001,"kind":"two_layer","labels":"binary","width":3},"training":{"batch_size":null,"engine":"gram","learning_rate":0.001,"momentum":null,"optimizer":"gd","precision":"float32","steps":100,"weight_decay":0.0}}');
INSERT INTO public.settings VALUES (5, 'e48dec668850afe6f46b9b5404603064c80ec9973c37f534bcf3643d9713ea1f', '{"attack":{"methods":["exact","pgd","pgd_native"],"norm":"l2","radii":[0.0,10.0,20.0],"restarts":1,"steps":40,"test_points":50},"data":{"center_cosine":0.0,"d":64,"draw":"law","k":4,"label_noise":0.0,"n":30,"positive_clusters":2,"seed":null,"snr":1.0,"source":"clusters"},"network":{"init_scale":1e-05,"kind":"two_layer","labels":"binary","width":2},"training":{"batch_size":null,"engine":"gram","learning_rate":0.001,"momentum":null,"optimizer":"gd","precision":"float32","steps":100,"weight_decay":0.0}}');
INSERT INTO public.settings VALUES (6, '96d0f8c7478b0063533b988877a1240d1ce626cd4405bd2fa9843e3d4329f37d', '{"attack":{"methods":["exact","pgd","pgd_native"],"norm":"l2","radii":[0.0,10.0,20.0],"restarts":1,"steps":40,"test_points":50},"data":{"center_cosine":0.0,"d":64,"draw":"law","k":4,"label_noise":0.0,"n":30,"positive_clusters":2,"seed":null,"snr":1.0,"source":"clusters"},"network":{"init_scale":0.001,"kind":"two_layer","labels":"binary","width":2},"training":{"batch_size":null,"engine":"gram","learning_rate":0.001,"momentum":null,"optimizer":"gd","precision":"float32","steps":100,"weight_decay":0.0}}');
INSERT INTO public.settings VALUES (7, 'b91500d661df15fb9701387673b0efaf7e5a2d718c0a99091e1d53032792b4e5', '{"attack":{"methods":["exact","pgd","pgd_native"],"norm":"l2","radii":[0.0,10.0,20.0],"restarts":1,"steps":40,"test_points":50},"data":{"center_cosine":0.0,"d":64,"draw":"law","k":6,"label_noise":0.0,"n":30,"positive_clusters":3,"seed":null,"snr":1.0,"source":"clusters"},"network":{"init_scale":1e-05,"kind":"two_layer","labels":"binary","width":3},"training":{"batch_size":null,"engine":"gram","learning_rate":0.001,"momentum":null,"optimizer":"gd","precision":"float32","steps":100,"weight_decay":0.0}}');
INSERT INTO public.settings VALUES (8, 'a963af5f03de76c5338c975c1e101bd68b19e14899876aaf63dce28bc3db7691', '{"attack":{"methods":["exact","pgd","pgd_native"],"norm":"l2","radii":[0.0,10.0,20.0],"restarts":1,"steps":40,"test_points":50},"data":{"center_cosine":0.0,"d":64,"draw":"law","k":6,"label_noise":0.0,"n":30,"positive_clusters":3,"seed":null,"snr":1.0,"source":"clusters"},"network":{"init_scale":0.001,"kind":"two_layer","labels":"binary","width":3},"training":{"batch_size":null,"engine":"gram","learning_rate":0.001,"momentum":null,"optimizer":"gd","precision":"float32","steps":100,"weight_decay":0.0}}');
SELECT pg_catalog.setval('public.experiments_id_seq', 2, true);
SELECT pg_catalog.setval('public.provenances_id_seq', 1, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.experiment_runs
    ADD CONSTRAINT pk_experiment_runs PRIMARY KEY (experiment_id, run_id);
ALTER TABLE ONLY public.experiments
    ADD CONSTRAINT pk_experiments PRIMARY KEY (id);
ALTER TABLE ONLY public.leader
    ADD CONSTRAINT pk_leader PRIMARY KEY (name);
ALTER TABLE ONLY public.points
    ADD CONSTRAINT pk_points PRIMARY KEY (experiment_id, "position");
ALTER TABLE ONLY public.provenances
    ADD CONSTRAINT pk_provenances PRIMARY KEY (id);
ALTER TABLE ONLY public.run_arrays
    ADD CONSTRAINT pk_run_arrays PRIMARY KEY (run_id);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT pk_runs PRIMARY KEY (id);
ALTER TABLE ONLY public.settings
    ADD CONSTRAINT pk_settings PRIMARY KEY (id);
ALTER TABLE ONLY public.experiments
    ADD CONSTRAINT uq_experiments_owner_idempotency_key UNIQUE (owner, idempotency_key);
ALTER TABLE ONLY public.provenances
    ADD CONSTRAINT uq_provenances_digest UNIQUE (digest);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT uq_runs_key UNIQUE (key);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT uq_runs_settings_id_seed_recipe UNIQUE (settings_id, seed, recipe);
ALTER TABLE ONLY public.settings
    ADD CONSTRAINT uq_settings_digest UNIQUE (digest);
CREATE INDEX ix_experiment_runs_pending_rank ON public.experiment_runs USING btree (experiment_id, rank) WHERE ((claim)::text = 'pending'::text);
CREATE INDEX ix_experiment_runs_pending_shape ON public.experiment_runs USING btree (experiment_id, shape, rank) WHERE ((claim)::text = 'pending'::text);
CREATE INDEX ix_experiment_runs_run_id_experiment_id ON public.experiment_runs USING btree (run_id, experiment_id);
CREATE INDEX ix_experiments_status ON public.experiments USING btree (status);
CREATE INDEX ix_points_settings_id_experiment_id ON public.points USING btree (settings_id, experiment_id);
CREATE INDEX ix_runs_leased_by ON public.runs USING btree (leased_by) WHERE (leased_by IS NOT NULL);
ALTER TABLE ONLY public.experiment_runs
    ADD CONSTRAINT fk_experiment_runs_experiment_id_experiments FOREIGN KEY (experiment_id) REFERENCES public.experiments(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.experiment_runs
    ADD CONSTRAINT fk_experiment_runs_run_id_runs FOREIGN KEY (run_id) REFERENCES public.runs(id);
ALTER TABLE ONLY public.points
    ADD CONSTRAINT fk_points_experiment_id_experiments FOREIGN KEY (experiment_id) REFERENCES public.experiments(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.points
    ADD CONSTRAINT fk_points_settings_id_settings FOREIGN KEY (settings_id) REFERENCES public.settings(id);
ALTER TABLE ONLY public.run_arrays
    ADD CONSTRAINT fk_run_arrays_run_id_runs FOREIGN KEY (run_id) REFERENCES public.runs(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT fk_runs_provenance_id_provenances FOREIGN KEY (provenance_id) REFERENCES public.provenances(id);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT fk_runs_settings_id_settings FOREIGN KEY (settings_id) REFERENCES public.settings(id);
